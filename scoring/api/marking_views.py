"""Answers, marks by people, and scoring at once."""

from functools import lru_cache
from typing import Annotated, Any, TypedDict

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base import texts
from pmscoring.base.api.schema import CODE, JSON, asks, call, query, tells
from pmscoring.base.api.shapes import ref, shape
from pmscoring.base.api.views import PAGE_PARAMETERS, Pages, View, as_object, asked
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import ADJUDICATOR, CLIENT, MANAGER, MARKER, sees_candidates
from scoring.api import examples
from scoring.api import representations as show
from scoring.api import review_shapes as tell
from scoring.api.authentication import READERS
from scoring.contract.faults import faults
from scoring.machine import requests
from scoring.marks import visibility
from scoring.models import Answer, Question
from scoring.review import queue
from scoring.tasks import inference

MOST_TEXT = 50_000
FILTERS = {
    "exam": "submission__exam__code",
    "question": "question__code",
    "status": "status",
    "flag": "flags__contains",
}
TO_SCORE = {
    "type": "object",
    "required": ["text", "question"],
    "properties": {
        "text": {"type": "string", "maxLength": MOST_TEXT},
        "exam": CODE,
        "question": {"anyOf": [CODE, ref("InlineQuestion")]},
    },
}


class GivenMark(TypedDict, total=False):
    """A person's judgement; without `points` the criteria's sum counts."""

    points: Annotated[float, {"minimum": 0}]
    criteria: dict[str, float]
    comment: Annotated[str, {"maxLength": 5000}]


class AnswerList(View):
    """Answers with their marks."""

    readers = (*READERS, MARKER, ADJUDICATOR)

    @call(
        "answers_list",
        "marking",
        {200: show.AnswerPage},
        parameters=[
            query("exam", {"type": "string"}),
            query("question", {"type": "string"}, "Its code."),
            query("status", {"enum": list(Answer.Status.values)}),
            query("flag", {"type": "string"}, "As blank or too_long."),
            *PAGE_PARAMETERS,
        ],
        examples=[tells("One", {"next": None, "previous": None, "results": [examples.ANSWER]})],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List answers with their marks.

        Markers and adjudicators are not told whose they are, nor what would sway them: other
        people's marks of what they may yet be asked to mark, and the machine's as the exam has it.
        `review` is claimed for what is in their hands; where more than one marker reads an answer,
        it is marked once the caller has marked it and queued before, until it is adjudicated.
        """
        given = {name: asked(request, name) for name in FILTERS if name in request.query_params}
        rows = Answer.objects.filter(**{FILTERS[name]: value for name, value in given.items()})
        rows = rows.select_related("submission", "question__exam__policy", "reference")
        rows = rows.prefetch_related("marks", "leases", "reference__marks__marker")
        pages = Pages()
        page = pages.paginate_queryset(rows, request, self) or []
        record("read", request.user, answers=[one.pk for one in page])
        return pages.get_paginated_response([_as_seen(one, request.user) for one in page])


class Marks(View):
    """People's marks."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call(
        "marks_create",
        "marking",
        {201: tell.Given},
        takes={JSON: shape(GivenMark)},
        examples=[
            asks("By criterion", {"criteria": {"C1": 4}, "comment": "例外にも触れている"}),
            asks("As a whole", {"points": 3}),
            tells("Given", examples.MARK, 201),
        ],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Give an answer a mark; where it is in the caller's hands, that closes the lease.

        409 where the caller has marked it already; 403 for markers who must qualify first. After
        an answer that was asked to qualify, `known` has its known mark.
        """
        answer = get_object_or_404(Answer.objects.select_related("question__exam__policy"), pk=pk)
        given = queue.mark(answer, request.user, as_object(request.data))
        return Response(tell.judgement(given), 201)


def _as_seen(answer: Answer, user: Any) -> show.Answer:
    """The answer with what the user may see of it."""
    return show.answer(answer, sees_candidates(user), visibility.visible_answer(answer, user))


class Score(View):
    """One text at once."""

    throttle_scope = "score"
    # Not markers: the machine's points of the answer in hand would sway them.
    writers = (CLIENT, MANAGER)

    @call(
        "score",
        "marking",
        {200: show.Scored},
        takes={JSON: TO_SCORE},
        examples=[
            asks("Stored", {"text": examples.TEXT, "exam": "PM-2026", "question": "Q1"}),
            tells("Scored", examples.SCORED),
        ],
        problems=[502, 503],
    )
    def post(self, request: Request) -> Response:
        """Score one text at once; nothing is stored.

        The question is given whole, or by its code beside its exam's; one by its code is scored
        under its calibration.
        """
        body = as_object(request.data)
        text = body.get("text")
        if not isinstance(text, str) or len(text) > MOST_TEXT:
            raise Invalid([fault("/text", f"a text of at most {MOST_TEXT} characters is expected")])
        if reason := texts.refused_character(text):
            raise Invalid([fault("/text", reason)])
        question, calibration = _question(body)
        model, found = requests.judge(inference(), question, calibration, [("1", text)])
        told: show.Scored = {
            "model": model,
            "calibration": calibration or None,
            "points": found["1"]["points"],
            "criteria": found["1"]["criteria"],
            "flags": found["1"]["flags"],
            "confidence": found["1"]["confidence"],
        }
        return Response(told)


def _question(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The question, and the calibration that marks it."""
    given = body.get("question")
    if isinstance(given, dict):
        if found := faults("question", given):
            raise Invalid([{**one, "pointer": f"/question{one['pointer']}"} for one in found])
        return given, ""
    if not isinstance(given, str) or not isinstance(body.get("exam"), str):
        raise Invalid([fault("/question", "a question, or its code beside exam's, is expected")])
    if texts.refused_character(given + body["exam"]):
        raise Invalid([fault("/question", "there is no such question")])
    known = Question.objects.filter(exam__code=body["exam"], code=given)
    named = known.values_list("pk", "digest", "calibration__sha256").first()
    if named is None:
        raise Invalid([fault("/question", "there is no such question")])
    key, digest, calibration = named
    return _wire(key, digest), calibration or ""


@lru_cache(maxsize=256)
def _wire(key: int, digest: str) -> dict[str, Any]:
    """The question of that digest; one that has changed meanwhile is another entry."""
    question = Question.objects.filter(pk=key, digest=digest).first()
    if question is None:
        raise WrongState("the question is being changed; try again")
    return question.wire()

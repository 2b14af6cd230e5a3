"""Answers, marks by people, and scoring a single text."""

from functools import lru_cache
from typing import Annotated, Any, TypedDict

from django.contrib.auth.models import AnonymousUser, User
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base import texts
from pmscoring.base.api.schema import CODE, JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import ref, shape
from pmscoring.base.api.views import PAGE_PARAMETERS, Pages, View, as_object, parameter
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import (
    ADJUDICATOR,
    CLIENT,
    MANAGER,
    MARKER,
    sees_candidates,
    signed_in,
)
from pmscoring.base.words import worded
from scoring.api import examples
from scoring.api import representations as show
from scoring.api import review_shapes as shapes
from scoring.api.authentication import READERS
from scoring.contract.faults import faults
from scoring.contract.lengths import question_too_long, too_long
from scoring.machine import requests
from scoring.marks import visibility
from scoring.models import Answer, Question
from scoring.models.people import readable
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
    """A person's judgement; without `points` the sum of the criteria's points counts."""

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
            query("question", {"type": "string"}, "The question's code."),
            query("status", {"enum": list(Answer.Status.values)}),
            query("flag", {"type": "string"}, "A flag, as blank or too_long."),
            *PAGE_PARAMETERS,
        ],
        examples=[
            response_example("One", {"next": None, "previous": None, "results": [examples.ANSWER]})
        ],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List answers with their marks.

        Markers see answers of what is assigned to them alone.
        Markers and adjudicators do not see whose answers they are, nor what could bias their
        marks: other people's marks of answers that they may still be asked to mark, and, unless the
        exam shows it, the machine's. For them `review` is claimed for answers that they have under
        a lease. Where more than one marker reads an answer, `review` is queued before the caller
        has marked it and marked afterwards, until it is adjudicated.
        """
        filters = {
            FILTERS[name]: parameter(request, name)
            for name in FILTERS
            if name in request.query_params
        }
        rows = readable(Answer.objects.filter(**filters), request.user)
        rows = rows.select_related("submission", "question__exam__policy", "reference")
        rows = rows.prefetch_related("marks", "leases", "reference__marks__marker")
        pages = Pages()
        page: list[Answer] = pages.paginate_queryset(rows, request, self) or []
        record("read", request.user, answers=[answer.pk for answer in page])
        return pages.get_paginated_response([_visible(answer, request.user) for answer in page])


class Marks(View):
    """People's marks."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call(
        "marks_create",
        "marking",
        {201: shapes.Given},
        takes={JSON: shape(GivenMark)},
        examples=[
            request_example(
                "By criterion", {"criteria": {"C1": 4}, "comment": "例外にも触れている"}
            ),
            request_example("As a whole", {"points": 3}),
            response_example("Given", examples.MARK, 201),
        ],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Mark an answer that the caller has under a lease, and close the lease.

        Adjudicators and exam managers may mark any answer that nobody has under a lease, a settled
        one too. The status is 409 where the caller may not, or has marked the answer already, and
        403 for a marker who must qualify first. For an answer of a round of qualifying, `known` is
        its known mark.
        """
        answer = get_object_or_404(Answer.objects.select_related("question__exam__policy"), pk=pk)
        mark = queue.mark(answer, signed_in(request.user), as_object(request.data))
        return Response(shapes.given_mark(mark), 201)


def _visible(answer: Answer, user: User | AnonymousUser) -> show.Answer:
    return show.answer(answer, sees_candidates(user), visibility.visible_answer(answer, user))


class Score(View):
    """Scoring a single text."""

    throttle_scope = "score"
    # Not markers: the machine's points could bias their mark of the same answer.
    writers = (CLIENT, MANAGER)

    @call(
        "score",
        "marking",
        {200: show.Scored},
        takes={JSON: TO_SCORE},
        examples=[
            request_example("Stored", {"text": examples.TEXT, "exam": "PM-2026", "question": "Q1"}),
            response_example("Scored", examples.SCORE),
        ],
        problems=[502, 503],
    )
    def post(self, request: Request) -> Response:
        """Score a single text while the caller waits; nothing is stored.

        The question is given as a definition, or by its code together with the exam's code. A
        question given by its code is scored under its active calibration.
        """
        body = as_object(request.data)
        text = body.get("text")
        if not isinstance(text, str) or len(text) > MOST_TEXT:
            raise Invalid(
                [fault("/text", _("a text of at most %d characters is expected") % MOST_TEXT)]
            )
        if refusal := texts.refused_character(text):
            raise Invalid([fault("/text", worded(refusal))])
        question, calibration = _question(body)
        if reason := too_long(text, question):
            raise Invalid([fault("/text", reason)])
        model, marks = requests.judge(inference(), question, calibration, [("1", text)])
        mark = marks["1"]
        response: show.Scored = {
            "model": model,
            "calibration": calibration or None,
            "points": mark["points"],
            "criteria": mark["criteria"],
            "flags": mark["flags"],
            "confidence": mark["confidence"],
        }
        return Response(response)


def _question(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The question's definition, and the sha256 of its active calibration, "" for none."""
    question = body.get("question")
    if isinstance(question, dict):
        if broken := faults("question", question):
            raise Invalid([{**it, "pointer": f"/question{it['pointer']}"} for it in broken])
        if reason := question_too_long(question):
            raise Invalid([fault("/question", reason)])
        return question, ""
    if not isinstance(question, str) or not isinstance(body.get("exam"), str):
        raise Invalid(
            [fault("/question", _("a question, or its code and the exam's, is expected"))]
        )
    if texts.refused_character(question + body["exam"]):
        raise Invalid([fault("/question", _("there is no such question"))])
    rows = Question.objects.filter(exam__code=body["exam"], code=question)
    row = rows.values_list("pk", "digest", "calibration__sha256").first()
    if row is None:
        raise Invalid([fault("/question", _("there is no such question"))])
    key, digest, calibration = row
    return _wire(key, digest), calibration or ""


@lru_cache(maxsize=256)
def _wire(key: int, digest: str) -> dict[str, Any]:
    """The question's definition, cached by its digest, so that a changed question is read again."""
    # The question may be changed between the query for its digest and this one: then no row has the
    # digest, and the caller is asked to try again, since nothing is cached for an exception.
    question = Question.objects.select_related("exam").filter(pk=key, digest=digest).first()
    if question is None:
        raise WrongState("the question is being changed; try again")
    return question.wire()

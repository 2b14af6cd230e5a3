"""Reference answers, and the standings of markers that follow from them."""

from typing import Annotated, Any, TypedDict

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base import texts
from pmscoring.base.api.schema import JSON, call, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import View, as_object
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import MANAGER, signed_in
from scoring.api import examples
from scoring.api import review_shapes as shapes
from scoring.api.base import EXAM_CODE
from scoring.api.marking_views import GivenMark
from scoring.models import Answer, Exam, Reference
from scoring.review import references


class OfAnswer(TypedDict):
    """The id of an answer."""

    answer: int


class NewReference(GivenMark, OfAnswer, total=False):
    """An answer to make a reference answer, by these points or by the mark that people gave it."""

    explanation: Annotated[str, {"maxLength": 5000}]
    qualifies: bool
    watches: bool


class WhoseRound(TypedDict):
    """The marker's user name."""

    marker: str


class ReferenceList(View):
    """An exam's reference answers."""

    readers = (MANAGER,)

    @call(
        "references_list",
        "review",
        {200: shapes.References},
        parameters=[EXAM_CODE],
        examples=[response_example("One", {"references": [examples.REFERENCE]})],
    )
    def get(self, request: Request, code: str) -> Response:
        """List the reference answers that are in use."""
        exam = get_object_or_404(Exam, code=code)
        rows = references.in_use(exam).select_related("answer__question")
        record("read", request.user, references=code)
        return Response({"references": [shapes.reference(row) for row in rows]})

    @call(
        "references_create",
        "review",
        {201: shapes.Reference},
        takes={JSON: shape(NewReference)},
        parameters=[EXAM_CODE],
        examples=[
            request_example("By its mark", {"answer": 21, "explanation": "満点の例"}),
            request_example("Settling its mark", {"answer": 21, "points": 4, "watches": False}),
            response_example("Chosen", examples.REFERENCE, 201),
        ],
        problems=[409],
    )
    def post(self, request: Request, code: str) -> Response:
        """Make an answer a reference answer, or change what it is used for.

        Points, where they are sent, become its final mark like an adjudicator's; otherwise people
        must have settled its mark already. `qualifies`: markers mark it to qualify. `watches`: it
        is hidden among their other answers, after those that they did not mark to qualify.
        """
        body = as_object(request.data)
        answer = _answer(code, body.get("answer"))
        explanation = body.get("explanation", "")
        if not isinstance(explanation, str) or "\0" in explanation or len(explanation) > 5000:
            raise Invalid(
                [fault("/explanation", _("a text of at most 5000 characters is expected"))]
            )
        judgement = body if "points" in body or body.get("criteria") else None
        reference = references.declare(
            answer,
            signed_in(request.user),
            judgement,
            explanation.encode("utf-8", "replace").decode(),
            _flag(body, "qualifies"),
            _flag(body, "watches"),
        )
        return Response(shapes.reference(reference), 201)


class ReferenceDetail(View):
    """One reference answer."""

    @call("references_delete", "review", {204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Use a reference answer no more; the marks that markers gave it are kept."""
        references.retire(get_object_or_404(Reference, pk=pk))
        return Response(status=204)


class StandingList(View):
    """Markers' standings."""

    readers = (MANAGER,)

    @call(
        "standings_list",
        "review",
        {200: shapes.Standings},
        parameters=[EXAM_CODE],
        examples=[response_example("One", {"standings": [examples.STANDING]})],
    )
    def get(self, request: Request, code: str) -> Response:
        """List which markers are qualifying, qualified or suspended."""
        exam = get_object_or_404(Exam, code=code)
        rows = exam.standings.select_related("marker").order_by("pk")
        return Response({"standings": [shapes.standing(row) for row in rows]})

    @call(
        "rounds_create",
        "review",
        {201: shapes.Standing},
        takes={JSON: shape(WhoseRound)},
        parameters=[EXAM_CODE],
        examples=[
            request_example("For someone suspended", {"marker": "sato"}),
            response_example(
                "Begun",
                {**examples.STANDING, "status": "qualifying", "round": 2, "agreement": None},
                201,
            ),
        ],
    )
    def post(self, request: Request, code: str) -> Response:
        """Begin a new round of qualifying for a marker."""
        exam = get_object_or_404(Exam, code=code)
        name = as_object(request.data).get("marker")
        is_name = isinstance(name, str) and not texts.refused_character(name)
        marker = User.objects.filter(username=name).first() if is_name else None
        if marker is None:
            raise Invalid([fault("/marker", _("there is no such user"))])
        return Response(shapes.standing(references.begin_round(exam, marker)), 201)


def _answer(code: str, key: Any) -> Answer:
    exam = get_object_or_404(Exam, code=code)
    rows = Answer.objects.select_related("question__exam__policy").filter(question__exam=exam)
    answer = rows.filter(pk=key).first() if type(key) is int and 0 < key < 2**63 else None
    if answer is None:
        raise Invalid([fault("/answer", _("there is no such answer in this exam"))])
    return answer


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, True)
    if not isinstance(value, bool):
        raise Invalid([fault(f"/{name}", "true or false is expected")])
    return value

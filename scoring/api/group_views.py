"""Groups of answers that say the same, and their marks."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import CODE, JSON, asks, call, tells
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import View, as_object
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER
from scoring import tasks
from scoring.api import examples
from scoring.api import representations as show
from scoring.api import review_shapes as tell
from scoring.api.marking_views import GivenMark
from scoring.models import AnswerGroup, Question
from scoring.review import groups

MOST_GROUPS = 100
QUESTION = (
    OpenApiParameter("exam", CODE, OpenApiParameter.PATH),
    OpenApiParameter("code", CODE, OpenApiParameter.PATH),
)
DISTANCE = {"type": "number", "minimum": 0, "maximum": 1, "default": groups.DISTANCE}
KEYS = {"type": "array", "items": {"type": "integer"}, "maxItems": 100_000}


class GroupMark(GivenMark, total=False):
    """A judgement for all; the answers of `without` leave the group and are marked one by one."""

    without: list[int]


class GroupList(View):
    """A question's groups."""

    readers = (MARKER, ADJUDICATOR, MANAGER)

    @call(
        "groups_list",
        "review",
        {200: tell.Groups},
        parameters=QUESTION,
        examples=[tells("One", examples.GROUPS)],
    )
    def get(self, request: Request, exam: str, code: str) -> Response:
        """List the groups of like answers that the caller may mark now, the largest hundred."""
        question = _question(exam, code)
        found = groups.open_groups(question, request.user)
        members = groups.members_of(found[:MOST_GROUPS], request.user)
        read = [answer.pk for answers in members.values() for answer in answers]
        record("read", request.user, answers=read)
        told: tell.Groups = {
            "groups": [tell.group(one, members[one.pk]) for one in found[:MOST_GROUPS]],
            "total": len(found),
            "saved": round(groups.share_saved(question), 4),
            "regrouping": groups.progress(question),
        }
        return Response(told)

    @call(
        "groups_find",
        "review",
        {202: tell.Groups},
        takes={JSON: {"type": "object", "properties": {"distance": DISTANCE}}},
        parameters=QUESTION,
        examples=[
            asks("Closer", {"distance": 0.01}),
            tells("Begun", {"groups": [], "total": 0, "saved": 0.31, "regrouping": 0.0}, 202),
        ],
    )
    def post(self, request: Request, exam: str, code: str) -> Response:
        """Find the groups anew among the answers that are still asked of people; a worker does."""
        question = _question(exam, code)
        distance = as_object(request.data).get("distance", groups.DISTANCE)
        is_number = isinstance(distance, (int, float)) and not isinstance(distance, bool)
        if not is_number or not 0 <= distance <= 1:
            raise Invalid([fault("/distance", "a number from 0 to 1 is expected")])
        tasks.nudge_regroup(question, distance)
        told: tell.Groups = {
            "groups": [],
            "total": 0,
            "saved": round(groups.share_saved(question), 4),
            "regrouping": 0.0,
        }
        return Response(told, 202)


class GroupMarks(View):
    """Marking a group."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call(
        "group_marks_create",
        "review",
        {201: tell.GivenMarks},
        takes={JSON: shape(GroupMark)},
        examples=[
            asks("Without one", {"criteria": {"C1": 4}, "without": [35]}),
            tells("Given", {"marks": [{**examples.MARK, "group": 4}]}, 201),
        ],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Mark all answers of a group that are still open to the caller, each with its own mark."""
        group = get_object_or_404(
            AnswerGroup.objects.select_related("question__exam__policy"), pk=pk
        )
        body = as_object(request.data)
        marks = groups.mark_group(group, request.user, body, _without(body))
        return Response({"marks": [show.mark(one) for one in marks]}, 201)


def _question(exam: str, code: str) -> Question:
    found = Question.objects.select_related("exam__policy")
    return get_object_or_404(found, exam__code=exam, code=code)


def _without(body: dict[str, Any]) -> list[int]:
    told = body.get("without", [])
    if not isinstance(told, list) or not all(type(one) is int and 0 < one < 2**63 for one in told):
        raise Invalid([fault("/without", "a list of answers' ids is expected")])
    return told

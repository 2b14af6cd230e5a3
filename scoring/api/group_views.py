"""Groups of answers that say the same, and marking them."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import CODE, JSON, call, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import View, as_object
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, signed_in
from scoring import tasks
from scoring.api import examples
from scoring.api import representations as show
from scoring.api import review_shapes as shapes
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
    """A judgement of all answers but those with the ids `without`, which leave the group."""

    without: list[int]


class GroupList(View):
    """A question's groups."""

    readers = (MARKER, ADJUDICATOR, MANAGER)

    @call(
        "groups_list",
        "review",
        {200: shapes.Groups},
        parameters=QUESTION,
        examples=[response_example("One", examples.GROUPS)],
    )
    def get(self, request: Request, exam: str, code: str) -> Response:
        """List the groups of like answers that the caller may mark now, the largest hundred."""
        question, user = _question(exam, code), signed_in(request.user)
        rows = groups.open_groups(question, user)
        members = groups.members_of(rows[:MOST_GROUPS], user)
        keys = [answer.pk for answers in members.values() for answer in answers]
        record("read", user, answers=keys)
        response: shapes.Groups = {
            "groups": [shapes.group(row, members[row.pk]) for row in rows[:MOST_GROUPS]],
            "total": len(rows),
            "saved": round(groups.share_saved(question), 4),
            "regrouping": groups.progress(question),
        }
        return Response(response)

    @call(
        "groups_find",
        "review",
        {202: shapes.Groups},
        takes={JSON: {"type": "object", "properties": {"distance": DISTANCE}}},
        parameters=QUESTION,
        examples=[
            request_example("Closer", {"distance": 0.01}),
            response_example(
                "Begun", {"groups": [], "total": 0, "saved": 0.31, "regrouping": 0.0}, 202
            ),
        ],
    )
    def post(self, request: Request, exam: str, code: str) -> Response:
        """Start a search for groups among the answers that people are still to mark.

        A worker searches. Its groups replace those that no marker has taken.
        """
        question = _question(exam, code)
        distance = as_object(request.data).get("distance", groups.DISTANCE)
        is_number = isinstance(distance, (int, float)) and not isinstance(distance, bool)
        if not is_number or not 0 <= distance <= 1:
            raise Invalid([fault("/distance", _("a number from 0 to 1 is expected"))])
        tasks.nudge_regroup(question, distance)
        response: shapes.Groups = {
            "groups": [],
            "total": 0,
            "saved": round(groups.share_saved(question), 4),
            "regrouping": 0.0,
        }
        return Response(response, 202)


class GroupMarks(View):
    """Marking a group."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call(
        "group_marks_create",
        "review",
        {201: shapes.GivenMarks},
        takes={JSON: shape(GroupMark)},
        examples=[
            request_example("Without one", {"criteria": {"C1": 4}, "without": [35]}),
            response_example("Given", {"marks": [{**examples.MARK, "group": 4}]}, 201),
        ],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Mark all answers of a group that are still open to the caller, each with its own mark."""
        group = get_object_or_404(
            AnswerGroup.objects.select_related("question__exam__policy"), pk=pk
        )
        body = as_object(request.data)
        marks = groups.mark_group(group, signed_in(request.user), body, _without(body))
        return Response({"marks": [show.mark(mark) for mark in marks]}, 201)


def _question(exam: str, code: str) -> Question:
    questions = Question.objects.select_related("exam__policy")
    return get_object_or_404(questions, exam__code=exam, code=code)


def _without(body: dict[str, Any]) -> list[int]:
    keys = body.get("without", [])
    if not isinstance(keys, list) or not all(type(key) is int and 0 < key < 2**63 for key in keys):
        raise Invalid([fault("/without", _("a list of answers' ids is expected"))])
    return keys

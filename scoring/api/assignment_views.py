"""Who marks which questions of an exam."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base import texts
from pmscoring.base.api.schema import JSON, call, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import View, as_object
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.roles import MANAGER, signed_in
from scoring.api import people_examples as examples
from scoring.api import people_shapes as shapes
from scoring.api.base import EXAM_CODE
from scoring.models import Exam
from scoring.review import assignments


class AssignmentList(View):
    """Who marks which questions of an exam."""

    readers = (MANAGER,)

    @call(
        "assignments_list",
        "review",
        {200: shapes.Assignments},
        parameters=[EXAM_CODE],
        examples=[response_example("Two", examples.ASSIGNMENTS)],
    )
    def get(self, request: Request, code: str) -> Response:
        """List who is assigned to which questions of the exam."""
        return Response(_assigned(get_object_or_404(Exam, code=code)))

    @call(
        "assignments_replace",
        "review",
        {200: shapes.Assignments},
        takes={JSON: shape(shapes.Assignments)},
        parameters=[EXAM_CODE],
        examples=[
            request_example("Two", examples.ASSIGNMENTS),
            request_example("Open to all", {"assignments": []}),
            response_example("Two", examples.ASSIGNMENTS),
        ],
    )
    def put(self, request: Request, code: str) -> Response:
        """Replace all assignments of the exam; with none, every marker may mark it.

        What markers have in hand and may mark no more is queued again.
        """
        exam = get_object_or_404(Exam, code=code)
        rows = _read_assignments(as_object(request.data))
        try:
            assignments.replace(exam, signed_in(request.user), rows)
        except Invalid as error:
            raise Invalid(_placed(error.faults, list(rows))) from error
        return Response(_assigned(exam))


def _assigned(exam: Exam) -> shapes.Assignments:
    parts = assignments.describe(exam)
    return {"assignments": [{"marker": name, "questions": parts[name]} for name in parts]}


def _read_assignments(body: dict[str, Any]) -> dict[str, list[str] | None]:
    """Codes by the marker's name; raises Invalid for what has another shape."""
    rows = body.get("assignments")
    if not isinstance(rows, list):
        raise Invalid([fault("/assignments", _("a list is expected"))])
    faults: list[Fault] = []
    wanted: dict[str, list[str] | None] = {}
    for index, row in enumerate(rows):
        pointer = f"/assignments/{index}"
        name = row.get("marker") if isinstance(row, dict) else None
        codes: Any = row.get("questions", ...) if isinstance(row, dict) else ...
        if not isinstance(name, str) or texts.refused_character(name) or name in wanted:
            faults.append(fault(f"{pointer}/marker", "a user name, each once, is expected"))
        elif codes is not None and not _are_codes(codes):
            faults.append(fault(f"{pointer}/questions", "a list of codes, or null, is expected"))
        else:
            wanted[name] = codes
    if faults:
        raise Invalid(faults)
    return wanted


def _are_codes(codes: Any) -> bool:
    return isinstance(codes, list) and bool(codes) and all(isinstance(code, str) for code in codes)


def _placed(faults: list[Fault], names: list[str]) -> list[Fault]:
    """The faults of `assignments.replace` with pointers into the body."""
    places = {f"/{name}": f"/assignments/{index}" for index, name in enumerate(names)}

    def placed(pointer: str) -> str:
        if pointer in places:
            return f"{places[pointer]}/marker"
        name, _slash, place = pointer.rpartition("/")
        return f"{places.get(name, '')}/questions/{place}"

    return [fault(placed(one["pointer"]), one["detail"]) for one in faults]

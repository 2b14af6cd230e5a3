"""Calibrations of a question, which of them marks it, and from which confidence on."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import CODE, JSON, asks, call, query, tells
from pmscoring.base.api.views import PAGE_PARAMETERS, Pages, View, as_object, asked
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import ADJUDICATOR, MANAGER, VIEWER
from scoring import tasks
from scoring.api import calibration_shapes as show
from scoring.api import examples
from scoring.calibration import fitting, promotion, thresholds
from scoring.calibration.thresholds import LEAST_TARGET, MOST_TARGET
from scoring.models import Calibration, Question

QUESTION = (
    OpenApiParameter("exam", CODE, OpenApiParameter.PATH),
    OpenApiParameter("code", CODE, OpenApiParameter.PATH),
)
SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
TARGET = {"type": "number", "minimum": LEAST_TARGET, "maximum": MOST_TARGET}
WANTED = {
    "type": "object",
    "properties": {
        "threshold": {"anyOf": [SHARE, {"type": "null"}]},
        "target": TARGET,
        "apply": {"type": "boolean", "default": True},
    },
    "additionalProperties": False,
    "minProperties": 1,
}


class QuestionView(View):
    """A call on one question."""

    readers = (MANAGER, VIEWER, ADJUDICATOR)

    def question(self, exam: str, code: str) -> Question:
        """The question, or 404."""
        found = Question.objects.select_related("exam__policy", "calibration")
        return get_object_or_404(found, exam__code=exam, code=code)

    def calibration(self, question: Question, pk: int) -> Calibration:
        """One of its calibrations, or 404."""
        found = question.calibrations.select_related("requested_by", "question__exam")
        return get_object_or_404(found, pk=pk)


class CalibrationList(QuestionView):
    """A question's calibrations."""

    @call(
        "calibrations_list",
        "calibration",
        {200: show.CalibrationPage},
        parameters=[*QUESTION, *PAGE_PARAMETERS],
        examples=[
            tells("One", {"next": None, "previous": None, "results": [examples.CALIBRATION]})
        ],
    )
    def get(self, request: Request, exam: str, code: str) -> Response:
        """List a question's calibrations with their metrics and progress."""
        question = self.question(exam, code)
        pages = Pages()
        rows = question.calibrations.select_related("requested_by")
        page = pages.paginate_queryset(rows, request, self) or []
        told = [show.calibration(one, question.calibration_id) for one in page]
        return pages.get_paginated_response(told)

    @call(
        "calibrations_create",
        "calibration",
        {202: show.Calibration},
        parameters=QUESTION,
        examples=[tells("Waiting", examples.CALIBRATION_WAITING, 202)],
        problems=[409],
    )
    def post(self, request: Request, exam: str, code: str) -> Response:
        """Start a calibration, which a worker then fits.

        At least 30 different texts must have been marked by people, with different points. Where
        it agrees better with people than what marks the question now, it is promoted.
        """
        question = self.question(exam, code)
        made = fitting.request(question, request.user)
        tasks.nudge_calibration(made)
        return Response(show.calibration(made, question.calibration_id), 202)


class CalibrationDetail(QuestionView):
    """One calibration."""

    @call(
        "calibrations_read",
        "calibration",
        {200: show.Calibration},
        parameters=QUESTION,
        examples=[tells("Ready", examples.CALIBRATION)],
    )
    def get(self, request: Request, exam: str, code: str, pk: int) -> Response:
        """Read how far a calibration is, or what it reaches."""
        question = self.question(exam, code)
        return Response(show.calibration(self.calibration(question, pk), question.calibration_id))


class Promote(QuestionView):
    """Promotion by a person."""

    @call(
        "calibrations_promote",
        "calibration",
        {200: show.Promotion},
        parameters=QUESTION,
        examples=[tells("Promoted", examples.PROMOTION)],
        problems=[409],
    )
    def post(self, request: Request, exam: str, code: str, pk: int) -> Response:
        """Let a calibration mark the question, be it better or not.

        The machine's marks are made anew; marks by people stay. Where the machine's marks may
        stand, the threshold is sought anew for the same target, never less strict than before.
        """
        question = self.question(exam, code)
        made = promotion.promote(self.calibration(question, pk), request.user)
        tasks.nudge([question.pk])
        return Response(_promoted(made, question))


class RollBack(QuestionView):
    """The way back."""

    @call(
        "calibrations_roll_back",
        "calibration",
        {200: show.Promotion},
        parameters=QUESTION,
        examples=[tells("Back to the uncalibrated method", examples.ROLLED_BACK)],
        problems=[409],
    )
    def post(self, request: Request, exam: str, code: str) -> Response:
        """Go back to the calibration before, or to none.

        Its marks are known and are taken over; the threshold is the one that held under it.
        """
        question = self.question(exam, code)
        made = promotion.roll_back(question, request.user)
        tasks.nudge([question.pk])
        return Response(_promoted(made, question))


def _promoted(made: Any, question: Question) -> show.Promotion:
    return show.promotion(made, question.answers.filter(status="waiting").count())


class ThresholdDetail(QuestionView):
    """The confidence from which the machine's marks stand."""

    @call(
        "threshold_read",
        "calibration",
        {200: show.Threshold},
        parameters=[*QUESTION, query("target", TARGET, "In place of the exam's.")],
        examples=[tells("Not applied", examples.THRESHOLD)],
        problems=[422],
    )
    def get(self, request: Request, exam: str, code: str) -> Response:
        """Read the threshold, the coverage curve, and what the curve shows for a target."""
        target = _target(_read(asked(request, "target")))
        question = self.question(exam, code)
        return Response(_threshold(question, thresholds.proposal(question, target), False))

    @call(
        "threshold_write",
        "calibration",
        {200: show.Threshold},
        takes={JSON: WANTED},
        parameters=QUESTION,
        examples=[
            asks("A value", {"threshold": 0.9}),
            asks("None stands", {"threshold": None}),
            asks("Ask only", {"target": 0.95, "apply": False}),
            tells("Not applied", examples.THRESHOLD),
        ],
        problems=[409],
    )
    def put(self, request: Request, exam: str, code: str) -> Response:
        """Set the confidence from which the machine's marks stand.

        As a `threshold`, which may be null; or as a `target` agreement, for which the coverage
        curve tells the threshold. With `apply` false nothing is set. 409 where the curve shows the
        target for no threshold.
        """
        body = as_object(request.data)
        question = self.question(exam, code)
        value, proposed = _wanted(question, body)
        if not body.get("apply", True):
            return Response(_threshold(question, proposed, False, value))
        if "target" in body and value is None:
            raise WrongState(
                f"the marks by people show an agreement of {proposed.target} for no threshold"
            )
        by_target = proposed if "target" in body else None
        thresholds.apply(question, value, request.user, by_target)
        tasks.nudge([question.pk])
        return Response(_threshold(self.question(exam, code), proposed, True))


def _wanted(question: Question, body: dict[str, Any]) -> tuple[float | None, thresholds.Proposal]:
    """The value that the body asks for, and what the curve proposes."""
    if unknown := body.keys() - {"threshold", "target", "apply"}:
        raise Invalid([fault(f"/{name}", "there is no such field") for name in sorted(unknown)])
    if not isinstance(body.get("apply", True), bool):
        raise Invalid([fault("/apply", "true or false is expected")])
    if ("threshold" in body) == ("target" in body):
        raise Invalid([fault("", "either threshold or target is expected")])
    if "target" in body and body["target"] is None:
        raise Invalid([fault("/target", "a number is expected")])
    target = _target(body.get("target"))
    proposed = thresholds.proposal(question, target)
    if "target" in body:
        return proposed.value, proposed
    value = _number(body["threshold"], "threshold", 0.0, 1.0)
    if value == 0:
        raise Invalid([fault("/threshold", "a number above 0 is expected")])
    return value, proposed


def _read(given: str) -> float | str | None:
    """A parameter as the number that it should be."""
    try:
        return float(given) if given else None
    except ValueError:
        return given


def _target(given: Any) -> float | None:
    return _number(given, "target", LEAST_TARGET, MOST_TARGET)


def _number(given: Any, name: str, least: float, most: float) -> float | None:
    """A number in the range, or None where none is given; Invalid otherwise."""
    if given is None:
        return None
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not least <= given <= most:
        raise Invalid([fault(f"/{name}", f"a number from {least:g} to {most:g} is expected")])
    return float(given)


def _threshold(
    question: Question,
    proposed: thresholds.Proposal,
    applied: bool,
    value: float | None = None,
) -> show.Threshold:
    looked_at = question.threshold if applied else value
    if looked_at is None and not applied:
        looked_at = proposed.value
    standing, marked = thresholds.standing(question, looked_at)
    return {
        "calibration": question.calibration_id,
        "threshold": question.threshold,
        "applied": applied,
        "standing": standing,
        "marked": marked,
        "proposal": show.proposal(proposed),
        "curve": show.curve(thresholds.curve(question.calibration)),
    }

"""Calibrations of a question, their promotion and rollback, and the question's threshold."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import CODE, JSON, call, query, request_example, response_example
from pmscoring.base.api.views import PAGE_PARAMETERS, View, as_object, parameter
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import ADJUDICATOR, MANAGER, VIEWER, signed_in
from scoring import tasks
from scoring.api import calibration_shapes as show
from scoring.api import examples
from scoring.calibration import fitting, promotion, thresholds
from scoring.calibration.thresholds import LEAST_TARGET, MOST_TARGET
from scoring.models import Calibration, Promotion, Question

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
    """A view of one question."""

    readers = (MANAGER, VIEWER, ADJUDICATOR)

    def question(self, exam: str, code: str) -> Question:
        """The question; raises Http404."""
        questions = Question.objects.select_related("exam__policy", "calibration")
        return get_object_or_404(questions, exam__code=exam, code=code)

    def calibration(self, question: Question, pk: int) -> Calibration:
        """The question's calibration with this key; raises Http404."""
        calibrations = question.calibrations.select_related("requested_by", "question__exam")
        return get_object_or_404(calibrations, pk=pk)


class CalibrationList(QuestionView):
    """A question's calibrations."""

    @call(
        "calibrations_list",
        "calibration",
        {200: show.CalibrationPage},
        parameters=[*QUESTION, *PAGE_PARAMETERS],
        examples=[
            response_example(
                "One", {"next": None, "previous": None, "results": [examples.CALIBRATION]}
            )
        ],
    )
    def get(self, request: Request, exam: str, code: str) -> Response:
        """List a question's calibrations with their metrics and progress."""
        question = self.question(exam, code)
        rows = question.calibrations.select_related("requested_by")
        chosen = question.calibration_id
        return self.paged(request, rows, lambda row: show.calibration(row, chosen))

    @call(
        "calibrations_create",
        "calibration",
        {202: show.Calibration},
        parameters=QUESTION,
        examples=[response_example("Waiting", examples.CALIBRATION_WAITING, 202)],
        problems=[409],
    )
    def post(self, request: Request, exam: str, code: str) -> Response:
        """Start a calibration, which a worker then fits.

        People must have marked at least 30 different texts, with different points. The calibration
        is promoted where it agrees with people better than the one that marks the question now.
        """
        question = self.question(exam, code)
        calibration = fitting.request(question, signed_in(request.user))
        tasks.nudge_calibration(calibration)
        return Response(show.calibration(calibration, question.calibration_id), 202)


class CalibrationDetail(QuestionView):
    """One calibration."""

    @call(
        "calibrations_read",
        "calibration",
        {200: show.Calibration},
        parameters=QUESTION,
        examples=[response_example("Ready", examples.CALIBRATION)],
    )
    def get(self, request: Request, exam: str, code: str, pk: int) -> Response:
        """Read a calibration's progress, or its metrics once it is ready."""
        question = self.question(exam, code)
        return Response(show.calibration(self.calibration(question, pk), question.calibration_id))


class Promote(QuestionView):
    """Promoting a calibration by hand."""

    @call(
        "calibrations_promote",
        "calibration",
        {200: show.Promotion},
        parameters=QUESTION,
        examples=[response_example("Promoted", examples.PROMOTION)],
        problems=[409],
    )
    def post(self, request: Request, exam: str, code: str, pk: int) -> Response:
        """Let a calibration mark the question, whether or not it agrees better.

        The machine marks all answers again; marks by people stay. Where the question has a
        threshold, a new one is chosen for the same target, never lower than the old one.
        """
        question = self.question(exam, code)
        new = promotion.promote(self.calibration(question, pk), signed_in(request.user))
        tasks.nudge([question.pk])
        return Response(_promoted(new, question))


class RollBack(QuestionView):
    """Rolling a promotion back."""

    @call(
        "calibrations_roll_back",
        "calibration",
        {200: show.Promotion},
        parameters=QUESTION,
        examples=[response_example("Back to the uncalibrated method", examples.ROLLBACK)],
        problems=[409],
    )
    def post(self, request: Request, exam: str, code: str) -> Response:
        """Go back to the previous calibration, or to none.

        The machine's marks and the threshold are again those of that calibration.
        """
        question = self.question(exam, code)
        new = promotion.roll_back(question, signed_in(request.user))
        tasks.nudge([question.pk])
        return Response(_promoted(new, question))


def _promoted(promoted: Promotion, question: Question) -> show.Promotion:
    return show.promotion(promoted, question.answers.filter(status="waiting").count())


class ThresholdDetail(QuestionView):
    """The threshold: the confidence from which the machine's marks stand."""

    @call(
        "threshold_read",
        "calibration",
        {200: show.Threshold},
        parameters=[*QUESTION, query("target", TARGET, "Replaces the exam's target agreement.")],
        examples=[response_example("Not applied", examples.THRESHOLD)],
        problems=[422],
    )
    def get(self, request: Request, exam: str, code: str) -> Response:
        """Read the threshold, the coverage curve, and the threshold proposed for a target."""
        target = _target(_as_number(parameter(request, "target")))
        question = self.question(exam, code)
        return Response(_threshold(question, thresholds.proposal(question, target), False))

    @call(
        "threshold_write",
        "calibration",
        {200: show.Threshold},
        takes={JSON: WANTED},
        parameters=QUESTION,
        examples=[
            request_example("A value", {"threshold": 0.9}),
            request_example("None stands", {"threshold": None}),
            request_example("Ask only", {"target": 0.95, "apply": False}),
            response_example("Not applied", examples.THRESHOLD),
        ],
        problems=[409],
    )
    def put(self, request: Request, exam: str, code: str) -> Response:
        """Set the confidence from which the machine's marks stand.

        The body has either a `threshold`, null for none, or a `target` agreement, for which a
        threshold is chosen by the coverage curve. With `apply` false nothing is set. The status is
        409 where the curve shows the target for no threshold.
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
        thresholds.apply(question, value, signed_in(request.user), by_target)
        tasks.nudge([question.pk])
        return Response(_threshold(self.question(exam, code), proposed, True))


def _wanted(question: Question, body: dict[str, Any]) -> tuple[float | None, thresholds.Proposal]:
    """The threshold that the body asks for, and the one that the curve proposes."""
    if unknown := body.keys() - {"threshold", "target", "apply"}:
        raise Invalid([fault(f"/{name}", "there is no such field") for name in sorted(unknown)])
    if not isinstance(body.get("apply", True), bool):
        raise Invalid([fault("/apply", _("true or false is expected"))])
    if ("threshold" in body) == ("target" in body):
        raise Invalid([fault("", _("either threshold or target is expected"))])
    if "target" in body and body["target"] is None:
        raise Invalid([fault("/target", _("a number is expected"))])
    target = _target(body.get("target"))
    proposed = thresholds.proposal(question, target)
    if "target" in body:
        return proposed.value, proposed
    value = _number(body["threshold"], "threshold", 0.0, 1.0)
    if value == 0:
        raise Invalid([fault("/threshold", _("a number above 0 is expected"))])
    return value, proposed


def _as_number(text: str) -> float | str | None:
    """The number that a parameter is, else its text, which `_number` refuses; None where empty."""
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _target(value: Any) -> float | None:
    return _number(value, "target", LEAST_TARGET, MOST_TARGET)


def _number(value: Any, name: str, least: float, most: float) -> float | None:
    """The value as a number from `least` to `most`, None for None; raises Invalid."""
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        raise Invalid([fault(f"/{name}", f"a number from {least:g} to {most:g} is expected")])
    return float(value)


def _threshold(
    question: Question,
    proposed: thresholds.Proposal,
    applied: bool,
    value: float | None = None,
) -> show.Threshold:
    """The response; it counts the standing marks at the applied, the sent or the proposed value."""
    threshold = question.threshold if applied else value
    if threshold is None and not applied:
        threshold = proposed.value
    standing, marked = thresholds.standing(question, threshold)
    return {
        "calibration": question.calibration_id,
        "threshold": question.threshold,
        "applied": applied,
        "standing": standing,
        "marked": marked,
        "proposal": show.proposal(proposed),
        "curve": show.curve(thresholds.curve(question.calibration)),
    }

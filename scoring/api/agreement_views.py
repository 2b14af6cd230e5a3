"""The agreement of machine and people."""

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import call, response_example
from pmscoring.base.api.views import View
from pmscoring.base.roles import MANAGER, VIEWER, has_role
from scoring.agreement import figures, shapes
from scoring.api import examples
from scoring.api.base import EXAM_CODE
from scoring.models import Exam


class Agreement(View):
    """An exam's agreement."""

    readers = (MANAGER, VIEWER)

    @call(
        "agreement",
        "exams",
        {200: shapes.ExamAgreement},
        parameters=[EXAM_CODE],
        examples=[response_example("One question", examples.AGREEMENT)],
    )
    def get(self, request: Request, code: str) -> Response:
        """Read how well the machine agrees with people, and people with each other.

        For answers that the active calibration was fitted to, the out-of-fold predictions are
        compared. Answers that were marked as one group count once. Exam managers see the markers'
        names, other callers see numbers in their place.
        """
        exam = get_object_or_404(Exam, code=code)
        return Response(figures.exam_agreement(exam, names=has_role(request.user, MANAGER)))

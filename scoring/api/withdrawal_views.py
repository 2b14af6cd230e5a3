"""Answers that are taken back, and brought back."""

from collections.abc import Callable
from typing import Annotated, Any, TypedDict, TypeVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS, View, as_object, parameter
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import signed_in
from scoring.api import examples
from scoring.api import representations as show
from scoring.intake import withdrawals
from scoring.models import Batch, Submission, Upload, Withdrawal
from scoring.tasks import nudge

Post = TypeVar("Post", bound=Callable[..., Response])


class WantedWithdrawal(TypedDict, total=False):
    """Why answers are taken back. `marked` confirms how many of them people have marked."""

    reason: Annotated[str, {"minLength": 1, "maxLength": withdrawals.LONGEST_REASON}]
    marked: Annotated[int, {"minimum": 0}]


class _Withdraw(View):
    """Takes back what arrived as one of `subjects`."""

    subjects: QuerySet[Any]

    def _post(self, request: Request, pk: int) -> Response:
        body = as_object(request.data)
        reason, marked = body.get("reason", ""), body.get("marked", 0)
        if not isinstance(reason, str):
            raise Invalid([fault("/reason", _("a text is expected"))])
        if isinstance(marked, bool) or not isinstance(marked, int):
            raise Invalid([fault("/marked", _("a number is expected"))])
        subject: withdrawals.Subject = get_object_or_404(self.subjects.all(), pk=pk)
        user = signed_in(request.user)
        withdrawal, questions = withdrawals.withdraw(subject, user, reason, marked)
        nudge(questions)
        return Response(show.withdrawal(withdrawal), 201)


def _described(name: str) -> Callable[[Post], Post]:
    return call(
        f"{name}_withdraw",
        "withdrawals",
        {201: show.Withdrawal},
        takes={JSON: shape(WantedWithdrawal)},
        examples=[
            request_example("Two are marked", {"reason": "wrong file", "marked": 2}),
            response_example("Withdrawn", examples.WITHDRAWAL, 201),
        ],
        problems=[409],
    )


class WithdrawUpload(_Withdraw):
    """Taking back what a file brought."""

    subjects = Upload.objects.all()

    @_described("uploads")
    def post(self, request: Request, pk: int) -> Response:
        """Take back the answers that this file brought.

        They are in no queue, figure or result any more, and no machine marks them. Of a file of
        marks, the marks are withdrawn, and those that it had replaced stand again. The status is
        409 where people have marked some of them and `marked` is not their number, or the exam is
        fixed.
        """
        return self._post(request, pk)


class WithdrawBatch(_Withdraw):
    """Taking back what arrived together."""

    subjects = Batch.objects.all()

    @_described("batches")
    def post(self, request: Request, pk: int) -> Response:
        """Take back the answers of a batch, as those of an upload."""
        return self._post(request, pk)


class WithdrawSubmission(_Withdraw):
    """Taking back one candidate's answers."""

    subjects = Submission.objects.all()

    @_described("submissions")
    def post(self, request: Request, pk: int) -> Response:
        """Take back one submission, as the answers of an upload."""
        return self._post(request, pk)


class WithdrawalList(View):
    """What was taken back."""

    @call(
        "withdrawals_list",
        "withdrawals",
        {200: show.WithdrawalPage},
        parameters=[*PAGE_PARAMETERS, query("exam", {"type": "string"}, "The exam's code.")],
        problems=[404],
    )
    def get(self, request: Request) -> Response:
        """List withdrawals, also those that were restored."""
        rows = Withdrawal.objects.select_related("exam", "withdrawn_by", "restored_by")
        if code := parameter(request, "exam"):
            rows = rows.filter(exam__code=code)
        return self.paged(request, rows, show.withdrawal)


class Restore(View):
    """The way back."""

    @call(
        "withdrawals_restore",
        "withdrawals",
        {200: show.Restoration},
        examples=[response_example("Restored", examples.RESTORATION)],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Bring back what was withdrawn, until the exam is fixed.

        Answers stay replaced where later ones stand in their place.
        """
        withdrawal = get_object_or_404(Withdrawal.objects.select_related("exam"), pk=pk)
        restored = withdrawals.restore(withdrawal, signed_in(request.user))
        nudge(restored.questions)
        return Response(show.restoration(withdrawal, restored.answers, restored.replaced))

"""Disputed answers, one at a time, for adjudicators: the marks side by side, without names."""

from collections.abc import Mapping
from contextlib import suppress
from string import ascii_uppercase
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import empty, extras, pages, points, sheets
from scoring.marks import visibility
from scoring.models import Answer, Exam, Lease, Mark, Question
from scoring.models.exams import number
from scoring.models.marks import standing
from scoring.review import queue
from scoring.review.queue import LeaseLost
from scoring.review.references import NotQualified

DESK = "marking:disputes"


def show_next(
    request: pages.DeskRequest, exam: Exam, question: Question | None, notice: str = ""
) -> HttpResponse:
    """The next dispute, under a lease, or that there is none; skipped ones come last."""
    name = f"disputes-{exam.pk}"
    try:
        lease = queue.next_dispute(exam, request.user, pages.skipped(request, name))
        if lease is None and pages.unskip(request, name):
            lease = queue.next_dispute(exam, request.user)
    except (NotQualified, WrongState) as error:
        return empty.show_closed(request, exam, None, error)
    if lease is None:
        title = _("There are no open disputes")
        text = _("No answer of this exam waits for adjudication.")
        return empty.show(request, exam, None, title, text)
    return show_leased(request, exam, lease, notice=notice)


def show_leased(
    request: pages.DeskRequest,
    exam: Exam,
    lease: Lease,
    values: Mapping[str, str] | None = None,
    notice: str = "",
) -> HttpResponse:
    """The disputed answer of the lease on the desk, with `values` filled into the form."""
    answer = sheets.get_answer(lease.answer_id)
    return _show(request, exam, answer, lease, values, notice=f"{notice} #{answer.pk}".strip())


def _show(
    request: pages.DeskRequest,
    exam: Exam,
    answer: Answer,
    lease: Lease | None,
    values: Mapping[str, str] | None,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    pages.log(request, answer.pk)
    # The key of the answer comes from the form, so it may be any answer of the exam, also one whose
    # marks this user may not see: only the visible ones are shown.
    visible = visibility.visible_marks(answer, request.user)
    marks = [mark for mark in standing(visible) if mark.source == Mark.Source.HUMAN]
    by_letter = dict(zip(ascii_uppercase, marks, strict=False))
    columns = [
        {"name": letter, "points": number(mark.points), "comment": mark.comment}
        for letter, mark in by_letter.items()
    ]
    context = {
        **sheets.context(answer, values, by_letter),
        **pages.bar_context(exam, request.user, None, lease, disputes=True),
        "marks": columns,
        "here": pages.address(DESK, exam),
        "submit_label": _("Settle, next"),
        "undo": True,
        "extras": extras.context(answer.question, request.user),
        **extra,
    }
    return pages.show(request, "desk", status, **context)


def submit(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Close the dispute by the adjudicator's mark; on a refusal, show the form again."""
    answer = pages.posted_answer(request, exam)
    if answer is None:
        return _go_on(request, exam, question)
    try:
        # Sent after the lease ran out, or twice: `adjudicate` decides under the lock of the answer.
        # It refuses the mark only while another adjudicator has a lease, and the latest mark of
        # several counts, so a form that is sent twice settles the answer with the same points.
        queue.adjudicate(
            answer, request.user, points.read_form(answer.question, request.POST.dict())
        )
    except (Invalid, NotQualified, WrongState) as error:
        lease = pages.lease_of(answer, request.user)
        status = 422 if isinstance(error, Invalid) else 409
        extra = {"alert": pages.error_message(error), "lost": lease is None}
        return _show(request, exam, answer, lease, request.POST.dict(), status, **extra)
    return _go_on(request, exam, question)


def skip(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Give the dispute back; it is offered again when no other is left."""
    answer = pages.posted_answer(request, exam)
    if answer is not None:
        pages.skip(request, f"disputes-{exam.pk}", answer.pk)
        with suppress(LeaseLost):  # It has run out; the queue takes the answer back.
            queue.release(answer, request.user)
    return _go_on(request, exam, question, _("Skipped. Next:"))


def _go_on(
    request: pages.DeskRequest, exam: Exam, question: Question | None, notice: str = ""
) -> HttpResponse:
    desk = pages.address(DESK, exam)
    return pages.go_on(request, desk, lambda: show_next(request, exam, question, notice))

"""Single answers, one at a time: the next one under a lease, its mark, giving it back."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import empty, extras, pages, points, qualifying, sheets
from scoring.models import Answer, Exam, Lease, Question, ReferenceMark
from scoring.models.exams import number
from scoring.review import queue, references
from scoring.review.queue import LeaseLost
from scoring.review.references import NotQualified

DESK = "marking:desk"


def show_next(
    request: pages.DeskRequest,
    exam: Exam,
    question: Question | None,
    notice: str = "",
    alert: str = "",
) -> HttpResponse:
    """The next answer, under a lease, or why there is none; skipped ones come last."""
    name = f"answers-{exam.pk}"
    try:
        lease = queue.next_answer(exam, request.user, question, pages.skipped(request, name))
        if lease is None and pages.unskip(request, name):
            lease = queue.next_answer(exam, request.user, question)
    except (NotQualified, WrongState) as error:
        return empty.show_closed(request, exam, question, error)
    if lease is None:
        return empty.show_nothing_left(request, exam, question)
    return show_leased(request, exam, question, lease, notice=notice, alert=alert)


def show_leased(
    request: pages.DeskRequest,
    exam: Exam,
    question: Question | None,
    lease: Lease,
    values: Mapping[str, str] | None = None,
    notice: str = "",
    alert: str = "",
) -> HttpResponse:
    """The answer of the lease on the desk, with `values` filled into the form."""
    answer = sheets.get_answer(lease.answer_id)
    pages.log(request, answer.pk)
    context = {
        **sheets.context(answer, values),
        **pages.bar_context(exam, request.user, question, lease),
        "here": pages.address(DESK, exam, question),
        "notice": f"{notice} #{answer.pk}".strip(),
        "alert": alert,
        "undo": True,
        "extras": extras.context(answer.question, request.user),
    }
    if references.is_qualifying(lease):
        context |= {"answer_title": _("reference answer"), "undo": False, "why": ""}
    return pages.show(request, "desk", **context)


def submit(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Save the mark and show the next answer; on a refusal, show the form again."""
    answer = pages.posted_answer(request, exam)
    if answer is None:
        return _go_on(request, exam, question)
    try:
        mark = _submit(answer, request.user, points.read_form(answer.question, request.POST.dict()))
    except LeaseLost as error:
        # Sent twice, by a double click or because the first response was lost: `queue.submit` locks
        # the lease and deletes it with the mark, so the second request finds no lease. The mark is
        # there, and the marker goes on as after the first request. Another mark, from a second tab
        # or a page that the browser went back to, is not dropped without a word.
        given = pages.own_mark(answer, request.user)
        if given and points.is_same(answer.question, given, request.POST.dict()):
            return _go_on(request, exam, question)
        alert = _marked_already(given) if given else pages.error_message(error)
        return _show_again(request, exam, question, answer, alert, 409)
    except (Invalid, NotQualified, WrongState) as error:
        status = 422 if isinstance(error, Invalid) else 409
        return _show_again(request, exam, question, answer, pages.error_message(error), status)
    if isinstance(mark, ReferenceMark) and mark.purpose == ReferenceMark.Purpose.QUALIFYING:
        return qualifying.show_comparison(request, question, answer, mark)
    return _go_on(request, exam, question)


def _submit(answer: Answer, marker: User, judgement: dict[str, Any]) -> queue.HumanMark:
    """Save the mark, also where the lease ran out while the form was open."""
    try:
        return queue.submit(answer, marker, judgement)
    except LeaseLost:
        # Another marker may ask for the answer at this moment. `lease_again` locks it and gives a
        # new lease only if it is still queued and nobody else has it; else it raises LeaseLost too.
        queue.lease_again(answer, marker)
        return queue.submit(answer, marker, judgement)


def skip(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Give the answer back; the marker gets it again when nothing else is left."""
    answer = pages.posted_answer(request, exam)
    if answer is not None:
        pages.skip(request, f"answers-{exam.pk}", answer.pk)
        with suppress(LeaseLost):  # It has run out; the queue takes the answer back.
            queue.release(answer, request.user)
    return _go_on(request, exam, question, _("Skipped. Next:"))


def renew(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Renew the lease: `{seconds}` that are left of it now; 409 if it has run out."""
    answer = pages.posted_answer(request, exam)
    if answer is None:
        return JsonResponse({}, status=409)
    try:
        lease = queue.renew(answer, request.user)
    except WrongState:
        return JsonResponse({}, status=409)
    return JsonResponse({"seconds": pages.lease_times(lease)["lease_seconds"]})


def _show_again(
    request: pages.DeskRequest,
    exam: Exam,
    question: Question | None,
    answer: Answer,
    alert: str,
    status: int,
) -> HttpResponse:
    """The same answer with everything that was typed, and in `alert` the reason for the refusal.

    Without the answer where it is no longer, or never was, the marker's to read.
    """
    if not pages.may_read(request, answer):
        return empty.show_taken_away(request, exam, question)
    pages.log(request, answer.pk)
    lease = pages.lease_of(answer, request.user)
    context = {
        **sheets.context(answer, request.POST.dict()),
        **pages.bar_context(exam, request.user, question, lease),
        "here": pages.address(DESK, exam, question),
        "alert": alert,
        "lost": lease is None,
        "extras": extras.context(answer.question, request.user),
    }
    return pages.show(request, "desk", status, **context)


def _marked_already(given: queue.HumanMark) -> str:
    return _(
        "You have marked this answer already, with %(points)s points, so this other mark was not"
        " saved. To change it, correct it under My marks (H)."
    ) % {"points": number(given.points)}


def _go_on(
    request: pages.DeskRequest, exam: Exam, question: Question | None, notice: str = ""
) -> HttpResponse:
    desk = pages.address(DESK, exam, question)
    return pages.go_on(request, desk, lambda: show_next(request, exam, question, notice))

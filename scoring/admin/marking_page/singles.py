"""One answer at a time: the next one under a lease, its mark, giving it back."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import empty, pages, points, qualifying, sheets
from scoring.models import Answer, Exam, Lease, Question, ReferenceMark
from scoring.review import queue, references
from scoring.review.queue import LeaseLost
from scoring.review.references import NotQualified

DESK = "marking:desk"


def following(
    request: HttpRequest,
    exam: Exam,
    question: Question | None,
    said: str = "",
    alert: str = "",
) -> HttpResponse:
    """The next answer, or why there is none; skipped ones come after all others."""
    name = f"answers-{exam.pk}"
    try:
        lease = queue.next_answer(exam, request.user, question, pages.skipped(request, name))
        if lease is None and pages.unskip(request, name):
            lease = queue.next_answer(exam, request.user, question)
    except (NotQualified, WrongState) as error:
        return empty.closed(request, exam, question, error)
    if lease is None:
        return empty.nothing_left(request, exam, question)
    return opened(request, exam, question, lease, said=said, alert=alert)


def opened(
    request: HttpRequest,
    exam: Exam,
    question: Question | None,
    lease: Lease,
    values: Mapping[str, str] | None = None,
    said: str = "",
    alert: str = "",
) -> HttpResponse:
    """The leased answer on the desk."""
    answer = sheets.read(lease.answer_id)
    pages.log(request, answer.pk)
    context = {
        **sheets.sheet(answer, values),
        **pages.bar(exam, request.user, question, lease),
        "here": pages.address(DESK, exam, question),
        "said": f"{said} #{answer.pk}".strip(),
        "alert": alert,
        "undo": True,
    }
    if references.is_qualifying(lease):
        context |= {"answer_title": _("reference answer"), "undo": False}
    return pages.show(request, "desk", **context)


def submit(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """The mark is taken and the next answer opened; else the same again with what is wrong."""
    answer = _of(request, exam)
    if answer is None:
        return _onward(request, exam, question, "")
    try:
        told = points.told(answer.question, request.POST.dict())
        given = _given(answer, request.user, told)
    except LeaseLost as error:
        if pages.is_given(answer, request.user):  # The answer to the first submit got lost.
            return _onward(request, exam, question, "")
        return _again(request, exam, question, answer, error)
    except (Invalid, NotQualified, WrongState) as error:
        return _again(request, exam, question, answer, error)
    if isinstance(given, ReferenceMark) and given.purpose == ReferenceMark.Purpose.QUALIFYING:
        return qualifying.compared(request, question, answer, given)
    return _onward(request, exam, question, "")


def _given(answer: Answer, marker: Any, told: dict[str, Any]) -> queue.Judgement:
    """Also where the time ran out, as long as nobody else has the answer."""
    try:
        return queue.submit(answer, marker, told)
    except LeaseLost:
        queue.take_again(answer, marker)
        return queue.submit(answer, marker, told)


def skip(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """The answer goes back; the marker gets it again when nothing else is left."""
    answer = _of(request, exam)
    if answer is not None:
        pages.skip(request, f"answers-{exam.pk}", answer.pk)
        with suppress(LeaseLost):  # It went back by itself.
            queue.release(answer, request.user)
    return _onward(request, exam, question, _("Skipped. Next:"))


def renew(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """`{seconds}` that the answer is the marker's from now on; 409 where it no longer is."""
    answer = _of(request, exam)
    if answer is None:
        return JsonResponse({}, status=409)
    try:
        lease = queue.renew(answer, request.user)
    except WrongState:
        return JsonResponse({}, status=409)
    return JsonResponse({"seconds": pages.times(lease)["lease_seconds"]})


def _again(
    request: HttpRequest, exam: Exam, question: Question | None, answer: Answer, error: Exception
) -> HttpResponse:
    """The same answer with all that was typed, and what is wrong."""
    lease = pages.lease_of(answer, request.user)
    context = {
        **sheets.sheet(answer, request.POST.dict()),
        **pages.bar(exam, request.user, question, lease),
        "here": pages.address(DESK, exam, question),
        "alert": pages.told_of(error),
        "lost": lease is None,
    }
    return pages.show(request, "desk", 422 if isinstance(error, Invalid) else 409, **context)


def _of(request: HttpRequest, exam: Exam) -> Answer | None:
    """The answer that the form speaks of."""
    rows = Answer.objects.filter(pk=pages.key(request, "answer"), question__exam=exam)
    rows = rows.select_related("question__exam__policy", "question__calibration")
    return rows.prefetch_related("question__criteria").first()


def _onward(request: HttpRequest, exam: Exam, question: Question | None, said: str) -> HttpResponse:
    here = pages.address(DESK, exam, question)
    return pages.onward(request, here, lambda: following(request, exam, question, said))

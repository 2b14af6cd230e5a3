"""Answers whose markers differ, for the adjudicator: their marks side by side, names left out."""

from collections.abc import Mapping
from contextlib import suppress
from string import ascii_uppercase
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import empty, pages, points, sheets
from scoring.marks import visibility
from scoring.models import Answer, Exam, Lease, Mark, Question
from scoring.models.exams import number
from scoring.models.marks import standing
from scoring.review import queue
from scoring.review.queue import LeaseLost
from scoring.review.references import NotQualified

DESK = "marking:disputes"


def following(
    request: HttpRequest, exam: Exam, question: Question | None, said: str = ""
) -> HttpResponse:
    """The next dispute, or that there is none."""
    name = f"disputes-{exam.pk}"
    try:
        lease = queue.next_dispute(exam, request.user, pages.skipped(request, name))
        if lease is None and pages.unskip(request, name):
            lease = queue.next_dispute(exam, request.user)
    except (NotQualified, WrongState) as error:
        return empty.closed(request, exam, None, error)
    if lease is None:
        title, words = _("No dispute is open"), _("No answer of this exam waits to be settled.")
        return empty.show(request, exam, None, title, words)
    return opened(request, exam, lease, said=said)


def opened(
    request: HttpRequest,
    exam: Exam,
    lease: Lease,
    values: Mapping[str, str] | None = None,
    said: str = "",
) -> HttpResponse:
    """The disputed answer on the desk."""
    answer = sheets.read(lease.answer_id)
    pages.log(request, answer.pk)
    return _show(request, exam, answer, lease, values, said=f"{said} #{answer.pk}".strip())


def _show(
    request: HttpRequest,
    exam: Exam,
    answer: Answer,
    lease: Lease | None,
    values: Mapping[str, str] | None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    # A form may speak of any answer: also of one whose marks they are not to see.
    seen = visibility.visible_marks(answer, request.user)
    marks = [one for one in standing(seen) if one.source == Mark.Source.HUMAN]
    sides = dict(zip(ascii_uppercase, marks, strict=False))
    told = [
        {"name": name, "points": number(mark.points), "comment": mark.comment}
        for name, mark in sides.items()
    ]
    context = {
        **sheets.sheet(answer, values, sides),
        **pages.bar(exam, request.user, None, lease),
        "marks": told,
        "here": pages.address(DESK, exam),
        "submit_words": _("Settle, next"),
        "undo": True,
        **more,
    }
    return pages.show(request, "desk", status, **context)


def submit(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """The adjudicator's mark closes the dispute."""
    answer = _of(request, exam)
    if answer is None:
        return _onward(request, exam, question, "")
    try:
        told = points.told(answer.question, request.POST.dict())
        queue.adjudicate(answer, request.user, told)
    except (Invalid, NotQualified, WrongState) as error:
        lease = pages.lease_of(answer, request.user)
        status = 422 if isinstance(error, Invalid) else 409
        more = {"alert": pages.told_of(error), "lost": lease is None}
        return _show(request, exam, answer, lease, request.POST.dict(), status, **more)
    return _onward(request, exam, question, "")


def skip(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """The dispute goes back; it comes again when no other is left."""
    answer = _of(request, exam)
    if answer is not None:
        pages.skip(request, f"disputes-{exam.pk}", answer.pk)
        with suppress(LeaseLost):  # It went back by itself.
            queue.release(answer, request.user)
    return _onward(request, exam, question, _("Skipped. Next:"))


def _of(request: HttpRequest, exam: Exam) -> Answer | None:
    """The answer that the form speaks of."""
    rows = Answer.objects.filter(pk=pages.key(request, "answer"), question__exam=exam)
    rows = rows.select_related("question__exam__policy", "question__calibration")
    return rows.prefetch_related("question__criteria").first()


def _onward(request: HttpRequest, exam: Exam, question: Question | None, said: str) -> HttpResponse:
    here = pages.address(DESK, exam)
    return pages.onward(request, here, lambda: following(request, exam, question, said))

"""Answers that say the same, one group at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import empty, pages, points, sheets, singles
from scoring.admin.marking_page.differences import Piece, pieces
from scoring.models import Answer, AnswerGroup, Exam, Question
from scoring.review import groups
from scoring.review.references import NotQualified

DESK = "marking:groups"


@dataclass(frozen=True)
class Member:
    """An answer of the group, its text told apart from the representative's."""

    pk: int
    pieces: Sequence[Piece]
    removed: bool


def following(
    request: HttpRequest, exam: Exam, question: Question | None, said: str = ""
) -> HttpResponse:
    """The largest group that is open to the marker; when there is none, single answers."""
    name = f"groups-{exam.pk}"
    try:
        group = _next(exam, question, request.user, pages.skipped(request, name))
        if group is None and pages.unskip(request, name):
            group = _next(exam, question, request.user, [])
    except (NotQualified, WrongState):
        return singles.following(request, exam, question)
    if group is None:
        return singles.following(request, exam, question, said or _("No group is left. Next:"))
    return opened(request, exam, question, group, said=said)


def _next(
    exam: Exam, question: Question | None, marker: Any, without: Sequence[int]
) -> AnswerGroup | None:
    found = (
        group
        for one in ([question] if question else exam.questions.all())
        for group in groups.groups(one, marker)
        if group.pk not in without and groups.take(group, marker)
    )
    return next(found, None)


def opened(
    request: HttpRequest,
    exam: Exam,
    question: Question | None,
    group: AnswerGroup,
    values: Mapping[str, str] | None = None,
    removed: Collection[int] = (),
    status: int = 200,
    said: str = "",
    alert: str = "",
) -> HttpResponse:
    """The group on the desk; `removed` are the members that were ticked so far."""
    groups.take(group, request.user)
    answers = groups.members(group, request.user)
    if not answers:
        title = _("This group is done")
        words = _("Others have marked its answers meanwhile, or have them in hand.")
        return empty.show(request, exam, question, title, words, alert=alert)
    pages.log(request, *(answer.pk for answer in answers))
    context = {
        **sheets.sheet(sheets.read(answers[0].pk), values),
        **pages.bar(exam, request.user, question),
        "key": ("group", group.pk),
        "group": group,
        "members": _members(answers, removed),
        "shown": ",".join(str(answer.pk) for answer in answers),
        "here": pages.address(DESK, exam, question),
        "submit_words": _("Submit for all, next"),
        "undo": True,
        "said": said,
        "alert": alert,
    }
    return pages.show(request, "desk", status, **context)


def _members(answers: Sequence[Answer], removed: Collection[int]) -> list[Member]:
    """In their order; each text is compared once."""
    first = answers[0].text
    compared = {text: pieces(first, text) for text in {answer.text for answer in answers}}
    return [Member(one.pk, compared[one.text], one.pk in removed) for one in answers]


def submit(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """One mark for all members that were shown; those that were ticked leave the group, and so do
    any that came back to it meanwhile, unseen.
    """
    group = _of(request, exam)
    if group is None:
        return _onward(request, exam, question, _("The group is no longer there. Next:"))
    typed, removed = request.POST.dict(), _keys(request.POST.getlist("removed"))
    shown = _keys(typed.get("shown", "").split(","))
    without = {one.pk for one in groups.members(group, request.user)} - (shown - removed)
    try:
        told = points.told(group.question, typed)
        marks = groups.mark_group(group, request.user, told, without)
    except (Invalid, NotQualified, WrongState) as error:
        status = 422 if isinstance(error, Invalid) else 409
        words = pages.told_of(error)
        return opened(request, exam, question, group, typed, removed, status, alert=words)
    if not marks:
        return opened(request, exam, question, group, typed, removed)
    count = len(marks)
    said = ngettext("%(count)d answer marked. Next:", "%(count)d answers marked. Next:", count)
    return _onward(request, exam, question, said % {"count": count})


def skip(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """The marker gets the group again when no other is left."""
    group = _of(request, exam)
    if group is not None:
        pages.skip(request, f"groups-{exam.pk}", group.pk)
        groups.give_back(group, request.user)
    return _onward(request, exam, question, _("Skipped. Next:"))


def _of(request: HttpRequest, exam: Exam) -> AnswerGroup | None:
    """The group that the form speaks of."""
    rows = AnswerGroup.objects.select_related("question__exam")
    return rows.filter(pk=pages.key(request, "group"), question__exam=exam).first()


def _keys(typed: Sequence[str]) -> set[int]:
    return {int(one) for one in typed if one.isdecimal() and len(one) < 19}


def _onward(request: HttpRequest, exam: Exam, question: Question | None, said: str) -> HttpResponse:
    here = pages.address(DESK, exam, question)
    return pages.onward(request, here, lambda: following(request, exam, question, said))

"""Groups of answers that say the same, one group at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import empty, extras, pages, points, sheets, singles
from scoring.admin.marking_page.differences import Piece, pieces
from scoring.models import Answer, AnswerGroup, Exam, Question
from scoring.models.people import may_mark
from scoring.review import assignments, groups
from scoring.review.references import NotQualified

DESK = "marking:groups"
Review = Answer.Review


@dataclass(frozen=True)
class Member:
    """An answer of the group, its text in pieces that show how it differs from the first one."""

    pk: int
    pieces: Sequence[Piece]
    removed: bool


def show_next(
    request: pages.DeskRequest, exam: Exam, question: Question | None, notice: str = ""
) -> HttpResponse:
    """The largest group that is free for the marker; single answers when there is none."""
    name = f"groups-{exam.pk}"
    try:
        group = _take_next(exam, question, request.user, pages.skipped(request, name))
        if group is None and pages.unskip(request, name):
            group = _take_next(exam, question, request.user, [])
    except (NotQualified, WrongState):
        return singles.show_next(request, exam, question)
    if group is None:
        return singles.show_next(request, exam, question, notice or _("No group is left. Next:"))
    return show_group(request, exam, question, group, notice=notice)


def _take_next(
    exam: Exam, question: Question | None, marker: User, without: Sequence[int]
) -> AnswerGroup | None:
    # Two markers may be offered the same group at once. `take` is one UPDATE of a row that nobody
    # else holds, so one of them gets it, and the other tries the next group.
    taken = (
        group
        for row in ([question] if question else _own_part(exam, marker))
        for group in groups.open_groups(row, marker)
        if group.pk not in without and groups.take(group, marker)
    )
    return next(taken, None)


def _own_part(exam: Exam, marker: User) -> "QuerySet[Question]":
    return exam.questions.filter(pk__in=assignments.assigned(exam, marker))


def show_group(
    request: pages.DeskRequest,
    exam: Exam,
    question: Question | None,
    group: AnswerGroup,
    values: Mapping[str, str] | None = None,
    removed: Collection[int] = (),
    status: int = 200,
    notice: str = "",
    alert: str = "",
) -> HttpResponse:
    """The group on the desk, with `values` filled into the form and `removed` members ticked."""
    groups.take(group, request.user)
    answers = groups.members(group, request.user)
    if not answers:
        title = _("This group is done")
        text = _("Other markers have marked its answers in the meantime, or have them in hand.")
        return empty.show(request, exam, question, title, text, alert=alert)
    pages.log(request, *(answer.pk for answer in answers))
    context = {
        **sheets.context(sheets.get_answer(answers[0].pk), values),
        **pages.bar_context(exam, request.user, question),
        "key": ("group", group.pk),
        "why": "",
        "group": group,
        "members": _members(answers, removed),
        "shown": ",".join(str(answer.pk) for answer in answers),
        "here": pages.address(DESK, exam, question),
        "submit_label": _("Submit for all, next"),
        "undo": True,
        "extras": extras.context(answers[0].question, request.user),
        "notice": notice,
        "alert": alert,
    }
    return pages.show(request, "desk", status, **context)


def _members(answers: Sequence[Answer], removed: Collection[int]) -> list[Member]:
    """The answers in their order, each distinct text compared with the first one only once."""
    first = answers[0].text
    compared = {text: pieces(first, text) for text in {answer.text for answer in answers}}
    return [Member(answer.pk, compared[answer.text], answer.pk in removed) for answer in answers]


def submit(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Give one mark to all members that were shown and not ticked; the others leave the group."""
    group = _posted_group(request, exam)
    if group is None:
        return _go_on(request, exam, question, _("The group no longer exists. Next:"))
    values, removed = request.POST.dict(), _keys(request.POST.getlist("removed"))
    shown = _keys(values.get("shown", "").split(","))
    if not may_mark(group.question, request.user):
        return empty.show_taken_away(request, exam, question)
    try:
        judgement = points.read_form(group.question, values)
        without = _others(group, shown - removed)
        marks = groups.mark_group(group, request.user, judgement, without)
    except (Invalid, NotQualified, WrongState) as error:
        status = 422 if isinstance(error, Invalid) else 409
        alert = pages.error_message(error)
        return show_group(request, exam, question, group, values, removed, status, alert=alert)
    # None where the form was sent twice, or where the time for the group ran out and another marker
    # has it: `mark_group` locks the answers and marks only those that are still open.
    if not marks:
        return show_group(request, exam, question, group, values, removed)
    count = len(marks)
    notice = ngettext("%(count)d answer marked. Next:", "%(count)d answers marked. Next:", count)
    return _go_on(request, exam, question, notice % {"count": count})


def _others(group: AnswerGroup, accepted: Collection[int]) -> set[int]:
    """Members that the marker did not accept, and that people are still asked to mark.

    A member in another marker's hands was not shown. It is among them, since it may be given back
    before the group is marked, and must not get the mark of a group in which nobody saw it.
    """
    rows = Answer.objects.filter(answer_group=group, review__in=[Review.QUEUED, Review.CLAIMED])
    return set(rows.values_list("pk", flat=True)) - set(accepted)


def skip(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Give the group back; the marker gets it again when no other is left."""
    group = _posted_group(request, exam)
    if group is not None:
        pages.skip(request, f"groups-{exam.pk}", group.pk)
        groups.give_back(group, request.user)
    return _go_on(request, exam, question, _("Skipped. Next:"))


def _posted_group(request: pages.DeskRequest, exam: Exam) -> AnswerGroup | None:
    rows = AnswerGroup.objects.select_related("question__exam")
    return rows.filter(pk=pages.posted_key(request, "group"), question__exam=exam).first()


def _keys(texts: Sequence[str]) -> set[int]:
    return {pages.as_key(text) for text in texts}


def _go_on(
    request: pages.DeskRequest, exam: Exam, question: Question | None, notice: str
) -> HttpResponse:
    desk = pages.address(DESK, exam, question)
    return pages.go_on(request, desk, lambda: show_next(request, exam, question, notice))

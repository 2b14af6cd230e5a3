"""The entry page of marking: the exams and questions that the user may mark, with progress."""

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, has_role
from scoring import tasks
from scoring.admin.counts import share
from scoring.admin.marking_page.pages import DeskRequest, address, desk_page, posted_key
from scoring.marks.settlement import MARKED_BY_PEOPLE
from scoring.models import Answer, Exam, Question, Standing
from scoring.models.people import is_bound, questions_to_mark
from scoring.review import groups, references
from scoring.review.progress import OPEN, marked_already, marking_progress
from scoring.review.references import NotQualified

Review = Answer.Review
DONE = (Review.MARKED, Review.ADJUDICATED)


@dataclass(frozen=True)
class QuestionRow:
    """A question in the table of its exam.

    `left` and `done` count answers that the user can mark, and that are marked, by the user or
    by as many people as the exam asks;
    `grouped` those in the open groups. `saved` is the percentage of marks that groups made
    unnecessary, `regrouping` that of the search for groups, None while none runs.
    """

    question: Question
    left: int
    done: int
    groups: int
    grouped: int
    saved: int
    regrouping: int | None
    href: str
    groups_href: str


@desk_page(MARKER, ADJUDICATOR, MANAGER)
def entry(request: DeskRequest) -> HttpResponse:
    """The exams in trial or in marking; a manager's POST starts a new search for groups."""
    if request.method == "POST":
        return _regroup(request)
    own_part = Prefetch("questions", questions_to_mark(request.user))
    exams = Exam.objects.filter(status__in=MARKED_BY_PEOPLE).prefetch_related(own_part)
    title = _("Marking")
    context = {
        **admin.site.each_context(request),
        "title": title,
        "page_title": title,
        "exams": [_exam(request, exam) for exam in exams if _has_part(request, exam)],
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "scoring/marking/entry.html", context)


def _has_part(request: DeskRequest, exam: Exam) -> bool:
    """Whether a question of the exam is the user's to mark; others see exams without questions."""
    return bool(exam.questions.all()) or not is_bound(request.user)


def _regroup(request: DeskRequest) -> HttpResponse:
    if not has_role(request.user, MANAGER):
        raise PermissionDenied
    rows = Question.objects.filter(exam__status__in=MARKED_BY_PEOPLE)
    question = get_object_or_404(rows, pk=posted_key(request, "regroup"))
    tasks.nudge_regroup(question)
    return HttpResponseRedirect(reverse("marking:entry"))


def _exam(request: DeskRequest, exam: Exam) -> dict[str, Any]:
    progress = marking_progress(exam, request.user)
    standing = references.standing(exam, request.user)
    may_mark = standing is None or standing.status == Standing.Status.QUALIFIED
    rows = _questions(request, exam, may_mark)
    return {
        "exam": exam,
        "progress": progress,
        "all": progress.done + progress.left,
        "percent": share(progress.done, progress.done + progress.left),
        "standing": standing,
        "agreement": _percent(references.shown_agreement(standing)) if standing else None,
        "may_manage": has_role(request.user, MANAGER),
        "to_qualify": _to_qualify(exam, request.user, standing),
        "may_mark": may_mark,
        "rows": rows,
        "groups": sum(row.groups for row in rows),
        "href": address("marking:desk", exam, _first_left(rows)),
        "mixed_href": address("marking:desk", exam) if len(rows) > 1 else "",
        "groups_href": address("marking:groups", exam),
        "disputes_href": address("marking:disputes", exam)
        if has_role(request.user, ADJUDICATOR, MANAGER)
        else "",
    }


def _first_left(rows: list[QuestionRow]) -> Question | None:
    """The first question with answers left: markers keep to one at a time."""
    return next((row.question for row in rows if row.left), None)


def _to_qualify(exam: Exam, marker: User, standing: Standing | None) -> int:
    if standing is None or standing.status != Standing.Status.QUALIFYING:
        return 0
    return references.left_to_qualify(exam, marker)


def _questions(request: DeskRequest, exam: Exam, may_mark: bool) -> list[QuestionRow]:
    counts = _counts(exam)
    questions = [question.pk for question in exam.questions.all()]
    own = marked_already(questions, request.user)
    for question, review in product(questions, OPEN):
        counts[question, review] -= own[question, review]
        counts[question, Review.MARKED] += own[question, review]
    return [
        _question(request, exam, question, counts, may_mark) for question in exam.questions.all()
    ]


def _question(
    request: DeskRequest,
    exam: Exam,
    question: Question,
    counts: Counter[tuple[int, str]],
    may_mark: bool,
) -> QuestionRow:
    open_groups = _groups(question, request.user) if may_mark else []
    return QuestionRow(
        question=question,
        left=sum(counts[question.pk, state] for state in OPEN),
        done=sum(counts[question.pk, state] for state in DONE),
        groups=len(open_groups),
        grouped=sum(group.open_count for group in open_groups),
        saved=_percent(groups.share_saved(question)) or 0,
        regrouping=_percent(groups.progress(question)),
        href=address("marking:desk", exam, question),
        groups_href=address("marking:groups", exam, question),
    )


def _groups(question: Question, marker: User) -> list[Any]:
    try:
        return list(groups.open_groups(question, marker))
    except NotQualified:
        return []


def _counts(exam: Exam) -> Counter[tuple[int, str]]:
    """Answers by question and review state, in one query."""
    rows = Answer.objects.filter(question__exam=exam).exclude(review=Review.NONE)
    counted = rows.order_by().values_list("question", "review").annotate(Count("pk"))
    return Counter({(question, review): count for question, review, count in counted})


def _percent(value: float | None) -> int | None:
    return None if value is None else round(100 * value)

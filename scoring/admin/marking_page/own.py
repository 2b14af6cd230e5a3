"""What the marker gave in the exam, with a way to correct each mark."""

from itertools import islice

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from pmscoring.base import texts
from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import disputes, empty, pages, points, singles
from scoring.models import Exam, Mark, Question
from scoring.models.exams import number
from scoring.models.people import in_part
from scoring.review import own_marks, queue
from scoring.review.references import NotQualified

PAGE = "marking:mine"
MOST = 50


def show_next(
    request: pages.DeskRequest, exam: Exam, question: Question | None, alert: str = ""
) -> HttpResponse:
    """The marker's marks, the latest first; the query's `before` leads to older ones."""
    before = pages.as_key(request.GET.get("before", "")) or None
    marks = own_marks.own_marks(exam, request.user, question, before)
    shown = list(islice(marks, MOST + 1))
    rows = [
        {
            "key": mark.key,
            "number": f"#{mark.answer.pk}",
            "question": mark.answer.question.label or mark.answer.question.code,
            "language": mark.answer.question.language,
            "excerpt": texts.beginning(mark.answer.text, 90),
            "points": number(mark.points),
            "most": number(mark.answer.question.max_points),
            "comment": mark.comment,
            "at": mark.created_at,
        }
        for mark in shown[:MOST]
    ]
    pages.log(request, *(mark.answer.pk for mark in shown[:MOST]))
    here = pages.address(PAGE, exam, question)
    query = {"question": question.code} if question else {}
    more = {**query, "before": shown[MOST - 1].key} if len(shown) > MOST else {}
    context = {
        **pages.bar_context(exam, request.user, question),
        "heading": _("My marks"),
        "own": rows,
        "older": reverse(PAGE, args=[exam.code], query=more) if more else "",
        "questions": list(exam.questions.filter(pk__in=_marked_questions(exam, request))),
        "chosen": question,
        "may_correct": own_marks.may_correct(exam),
        "here": here,
        "desk": pages.address("marking:desk", exam, question),
        "alert": alert,
    }
    return pages.show(request, "mine", **context)


def _marked_questions(exam: Exam, request: pages.DeskRequest) -> set[int]:
    marks = Mark.objects.filter(answer__question__exam=exam, marker=request.user)
    marks = in_part(marks, request.user, "answer__question")
    return set(marks.values_list("answer__question", flat=True))


def correct(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Take the mark back and show its answer with the same points, to be given anew."""
    mark = own_marks.find(exam, request.user, pages.posted_key(request, "mark"))
    if mark is None:
        raise Http404
    try:
        lease = queue.withdraw(mark, request.user)
    except NotQualified as error:
        return empty.show_closed(request, exam, question, error)
    except WrongState as error:
        # Also where it was sent twice: the mark is taken back already, and the answer is on a desk.
        return show_next(request, exam, question, alert=pages.error_message(error))
    if lease is None:
        return singles.show_next(request, exam, question, _("Taken back. Next:"))
    values, notice = points.form_values(mark), _("Taken back:")
    if isinstance(mark, Mark) and mark.source == Mark.Source.ADJUDICATOR:
        return disputes.show_leased(request, exam, lease, values, notice)
    return singles.show_leased(request, exam, question, lease, values, notice)

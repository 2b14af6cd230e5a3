"""The desk without an answer: nothing is left to mark, or the marker may not mark now."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from scoring.admin.marking_page import pages, points
from scoring.models import Exam, Question
from scoring.review.assignments import NotAssigned
from scoring.review.references import NotQualified, Suspended


def show_closed(
    request: pages.DeskRequest, exam: Exam, question: Question | None, error: Exception
) -> HttpResponse:
    """Say why the marker may not mark now. `error` is what the queue raised."""
    exam.refresh_from_db(fields=["status"])
    state = {"state": exam.get_status_display()}
    title, text = _("You cannot mark this exam now"), _("The exam is %(state)s.") % state
    if isinstance(error, NotAssigned):
        title = _("This is not assigned to you")
        text = _("Managers assign exams and questions to markers. Yours are on the first page.")
    elif isinstance(error, Suspended):
        title = _("Your marking is suspended")
        text = _(
            "Your agreement with the reference answers fell below the minimum of this exam. A"
            " manager can start a new qualification round for you."
        )
    elif isinstance(error, NotQualified):
        title = _("You are not qualified yet")
        text = _(
            "Markers of this exam must qualify first, but it has no reference answers for that yet."
        )
    return show(request, exam, question, title, text, undo=False)


def show_taken_away(
    request: pages.DeskRequest, exam: Exam, question: Question | None
) -> HttpResponse:
    """Say that what was sent was not saved, as the answer is not assigned to the marker, with what
    was typed."""
    title = _("This is not assigned to you")
    text = _("It was assigned anew while you had it, so your mark was not saved.")
    return show(request, exam, question, title, text, status=409, typed=points.typed(request.POST))


def show_nothing_left(
    request: pages.DeskRequest, exam: Exam, question: Question | None
) -> HttpResponse:
    """Say that no answer waits for the marker, of the question or of the whole exam."""
    if question is not None:
        text = _("No answer to this question waits for you.")
        return show(request, exam, question, _("This question is done"), text)
    text = _("No answer of this exam waits for you. Thank you.")
    return show(request, exam, question, _("All done"), text)


def show(
    request: pages.DeskRequest,
    exam: Exam,
    question: Question | None,
    title: str,
    text: str,
    undo: bool = True,
    alert: str = "",
    typed: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the desk without an answer, with links to what else can be marked."""
    links = [{"href": reverse("marking:entry"), "label": _("All exams")}]
    if question is not None:
        others = {"href": pages.address("marking:desk", exam), "label": _("Other questions")}
        links.insert(0, others)
    context = {
        **pages.bar_context(exam, request.user, question),
        "heading": str(question.label or question.code) if question else _("Marking"),
        "empty_title": title,
        "empty_text": text,
        "links": links,
        "undo": undo,
        "alert": alert,
        "typed": typed,
        "here": pages.address("marking:desk", exam, question),
    }
    return pages.show(request, "empty", status, **context)

"""When nothing lies on the desk: nothing is left, or the marker may not mark now."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from scoring.admin.marking_page import pages
from scoring.models import Exam, Question
from scoring.review.references import NotQualified, Suspended


def closed(
    request: HttpRequest, exam: Exam, question: Question | None, error: Exception
) -> HttpResponse:
    """Why the marker may not mark now."""
    exam.refresh_from_db(fields=["status"])
    state = {"state": exam.get_status_display()}
    title, words = _("You cannot mark this exam now"), _("The exam is %(state)s.") % state
    if isinstance(error, Suspended):
        title = _("Your marking is suspended")
        words = _(
            "Your marks of reference answers fell below the bound of this exam. A manager can"
            " begin a new round of qualifying for you."
        )
    elif isinstance(error, NotQualified):
        title = _("You are not qualified yet")
        words = _("This exam asks markers to qualify first, and there is nothing to qualify by.")
    return show(request, exam, question, title, words, undo=False)


def nothing_left(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """The marker has done what there was to do."""
    if question is not None:
        words = _("No answer to this question waits for you.")
        return show(request, exam, question, _("This question is done"), words)
    words = _("No answer of this exam waits for you. Thank you.")
    return show(request, exam, question, _("All done"), words)


def show(
    request: HttpRequest,
    exam: Exam,
    question: Question | None,
    title: str,
    words: str,
    undo: bool = True,
    alert: str = "",
) -> HttpResponse:
    """The bare desk."""
    links = [{"href": reverse("marking:entry"), "words": _("All exams")}]
    if question is not None:
        rest = {"href": pages.address("marking:desk", exam), "words": _("Other questions")}
        links.insert(0, rest)
    context = {
        **pages.bar(exam, request.user, question),
        "heading": str(question.label or question.code) if question else _("Marking"),
        "empty_title": title,
        "empty_words": words,
        "links": links,
        "undo": undo,
        "alert": alert,
        "here": pages.address("marking:desk", exam, question),
    }
    return pages.show(request, "empty", **context)

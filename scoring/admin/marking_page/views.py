"""The views of the desks: GET shows what comes next, POST carries out a command of the form."""

from collections.abc import Callable

from django.http import HttpResponse

from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER
from scoring.admin.marking_page import disputes, groups, own, singles, undoing
from scoring.admin.marking_page.pages import DeskRequest, desk_page, exam_and_question
from scoring.models import Exam, Question

Command = Callable[[DeskRequest, Exam, Question | None], HttpResponse]


def _respond(
    request: DeskRequest, code: str, show_next: Command, submit: Command, **others: Command
) -> HttpResponse:
    exam, question = exam_and_question(request, code)
    if request.method != "POST":
        return show_next(request, exam, question)
    command = others.get(request.POST.get("command", ""), submit)
    return command(request, exam, question)


@desk_page(MARKER, ADJUDICATOR, MANAGER)
def desk(request: DeskRequest, code: str) -> HttpResponse:
    """Answers, one at a time."""
    others = {"skip": singles.skip, "renew": singles.renew, "undo": undoing.undo}
    return _respond(request, code, singles.show_next, singles.submit, **others)


@desk_page(MARKER, ADJUDICATOR, MANAGER)
def group_desk(request: DeskRequest, code: str) -> HttpResponse:
    """Groups of answers that say the same, one at a time."""
    others = {"skip": groups.skip, "undo": undoing.undo}
    return _respond(request, code, groups.show_next, groups.submit, **others)


@desk_page(ADJUDICATOR, MANAGER)
def dispute_desk(request: DeskRequest, code: str) -> HttpResponse:
    """Disputed answers, one at a time."""
    others = {"skip": disputes.skip, "renew": singles.renew, "undo": undoing.undo}
    return _respond(request, code, disputes.show_next, disputes.submit, **others)


@desk_page(MARKER, ADJUDICATOR, MANAGER)
def own_marks(request: DeskRequest, code: str) -> HttpResponse:
    """What the user marked, to look through and to correct."""
    return _respond(request, code, own.show_next, own.show_next, correct=own.correct)

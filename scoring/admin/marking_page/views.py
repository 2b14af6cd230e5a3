"""The desks' addresses: GET opens what comes next, POST does a deed and opens what comes next."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER
from scoring.admin.marking_page import disputes, groups, singles, undoing
from scoring.admin.marking_page.pages import asked, desk_page
from scoring.models import Exam, Question

Deed = Callable[[HttpRequest, Exam, Question | None], HttpResponse]


def _done(
    request: HttpRequest, code: str, following: Deed, submit: Deed, **others: Deed
) -> HttpResponse:
    exam, question = asked(request, code)
    if request.method != "POST":
        return following(request, exam, question)
    deed = others.get(request.POST.get("deed", ""), submit)
    return deed(request, exam, question)


@desk_page(MARKER, ADJUDICATOR, MANAGER)
def desk(request: HttpRequest, code: str) -> HttpResponse:
    """Answers one by one."""
    others = {"skip": singles.skip, "renew": singles.renew, "undo": undoing.undo}
    return _done(request, code, singles.following, singles.submit, **others)


@desk_page(MARKER, ADJUDICATOR, MANAGER)
def group_desk(request: HttpRequest, code: str) -> HttpResponse:
    """Groups of answers that say the same."""
    others = {"skip": groups.skip, "undo": undoing.undo}
    return _done(request, code, groups.following, groups.submit, **others)


@desk_page(ADJUDICATOR, MANAGER)
def dispute_desk(request: HttpRequest, code: str) -> HttpResponse:
    """Answers whose markers differ."""
    others = {"skip": disputes.skip, "renew": singles.renew, "undo": undoing.undo}
    return _done(request, code, disputes.following, disputes.submit, **others)

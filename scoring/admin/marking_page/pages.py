"""What every page of the desk shares: who may open it, how its states are shown and logged."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid
from pmscoring.base.roles import has_role
from scoring.marks import giving
from scoring.models import Answer, Exam, Lease, Question, ReferenceMark
from scoring.review import queue
from scoring.review.queue import LeaseLost

View = Callable[..., HttpResponse]
MOST_SKIPPED = 500
SECONDS_OLD = 3.0
"""Of the counts that the bar shows above an answer."""


def desk_page(*roles: str) -> Callable[[View], View]:
    """A page of the admin for these roles alone."""

    def wrap(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
            if not has_role(request.user, *roles):
                raise PermissionDenied
            return view(request, *args, **more)

        guarded: View = admin.site.admin_view(checked)
        return guarded

    return wrap


def asked(request: HttpRequest, code: str) -> tuple[Exam, Question | None]:
    """The exam of the address, and the question where the address names one."""
    exam = get_object_or_404(Exam, code=code)
    name = request.GET.get("question", "")
    return exam, get_object_or_404(Question, exam=exam, code=name) if name else None


def key(request: HttpRequest, name: str) -> int:
    """The key in the form's field; 0, which no row has, where it is none."""
    typed = request.POST.get(name, "")
    return int(typed) if typed.isdecimal() and len(typed) < 19 else 0


def show(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """A state of the desk: alone for the script, as a whole page for the browser."""
    name = f"scoring/marking/{template}.html"
    if "X-Desk" in request.headers:
        return render(request, name, context, status=status)
    page = {"template": name, "title": context["heading"], **context}
    return render(request, "scoring/marking/base.html", page, status=status)


def address(name: str, exam: Exam, question: Question | None = None) -> str:
    """Of a desk: `marking:desk`, `marking:groups` or `marking:disputes`."""
    query = f"?question={question.code}" if question else ""
    return reverse(name, args=[exam.code]) + query


def onward(request: HttpRequest, here: str, following: Callable[[], HttpResponse]) -> HttpResponse:
    """The next state at once for the script; a browser without it fetches it itself."""
    return following() if "X-Desk" in request.headers else HttpResponseRedirect(here)


def bar(
    exam: Exam, marker: Any, question: Question | None, lease: Lease | None = None
) -> dict[str, Any]:
    """What the bar at the top tells: how far all is, and how long the answer is the marker's."""
    found = queue.progress(exam, marker, question, SECONDS_OLD if lease else 0.0)
    counts = {"done": found.done, "all": found.done + found.left, "mine_today": found.mine_today}
    return {"exam": exam, "progress": counts, **(times(lease) if lease else {})}


def lease_of(answer: Answer, marker: Any) -> Lease | None:
    """The marker's lease, where it is not over."""
    return Lease.objects.live().filter(answer=answer, marker=marker).first()


def is_given(answer: Answer, marker: Any) -> bool:
    """Whether a mark of theirs stands, so that a submit sent twice is taken once."""
    given = ReferenceMark.objects.filter(reference__answer=answer, marker=marker)
    of_reference = given.exclude(purpose=ReferenceMark.Purpose.WITHDRAWN)
    return giving.standing(answer, marker).exists() or of_reference.exists()


def times(lease: Lease) -> dict[str, int]:
    """Seconds that are left of the lease, and those of a whole one."""
    left = (lease.expires_at - now()).total_seconds()
    whole = (lease.expires_at - lease.created_at).total_seconds()
    return {"lease_seconds": max(round(left), 0), "lease_whole": round(max(whole, left))}


def log(request: HttpRequest, *answers: int) -> None:
    """Who read what is logged."""
    record("read", request.user, answers=list(answers))


def skipped(request: HttpRequest, name: str) -> list[int]:
    """What the marker skipped in this session, under this name."""
    found: list[int] = request.session.get(f"skipped-{name}", [])
    return found


def skip(request: HttpRequest, name: str, pk: int) -> None:
    """Not again before all others."""
    request.session[f"skipped-{name}"] = [*skipped(request, name), pk][-MOST_SKIPPED:]


def unskip(request: HttpRequest, name: str) -> bool:
    """Skipped ones come again; whether there were any."""
    return bool(request.session.pop(f"skipped-{name}", None))


def told_of(error: Exception) -> str:
    """An expected failure, in the marker's words."""
    if isinstance(error, Invalid):
        return " ".join(one["detail"] for one in error.faults)
    if isinstance(error, LeaseLost):
        return _(
            "Your time for this answer was over, and it is no longer yours: this mark was not"
            " taken. What you typed is still here."
        )
    words = {"reason": error}
    return _("This was not taken (%(reason)s). What you typed is still here.") % words

"""What all desks share: permissions, rendering, the bar, leases, and what the form names."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
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
from scoring.models import Answer, Exam, Lease, Mark, Question, ReferenceMark
from scoring.models.people import readable
from scoring.review.progress import marking_progress
from scoring.review.queue import LeaseLost

View = Callable[..., HttpResponse]
MOST_SKIPPED = 500
SECONDS_OLD = 3.0
"""Age that the counts in the bar above an answer may have; counting takes time at every mark."""


class DeskRequest(HttpRequest):
    """A request by a user who is signed in: `desk_page` refuses any other."""

    user: User


def desk_page(*roles: str) -> Callable[[View], View]:
    """Decorator of a view: a page of the admin that only these roles may open."""

    def wrap(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not has_role(request.user, *roles):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded: View = admin.site.admin_view(checked)
        return guarded

    return wrap


def exam_and_question(request: DeskRequest, code: str) -> tuple[Exam, Question | None]:
    """The exam with this code, and the question if the query names one; Http404 without them."""
    exam = get_object_or_404(Exam, code=code)
    question = request.GET.get("question", "")
    return exam, get_object_or_404(Question, exam=exam, code=question) if question else None


def posted_key(request: DeskRequest, field: str) -> int:
    """The primary key in a field of the form; 0, which no row has, if it is not a key."""
    return as_key(request.POST.get(field, ""))


def as_key(text: str) -> int:
    """The text as a primary key, else 0; PostgreSQL refuses numbers of more than 63 bits."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def posted_answer(request: DeskRequest, exam: Exam) -> Answer | None:
    """The answer of the exam that the form was shown for, whether or not the lease still holds."""
    rows = Answer.objects.filter(pk=posted_key(request, "answer"), question__exam=exam)
    rows = rows.select_related("question__exam__policy", "question__calibration")
    return rows.prefetch_related("question__criteria").first()


def may_read(request: DeskRequest, answer: Answer) -> bool:
    """Whether the user may read the answer, whose key came from a form."""
    return bool(readable(Answer.objects.filter(pk=answer.pk), request.user).exists())


def show(request: DeskRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """Render a state of the desk: a fragment for the script, a whole page for the browser."""
    name = f"scoring/marking/{template}.html"
    if "X-Desk" in request.headers:
        return render(request, name, context, status=status)
    page = {"template": name, "title": context["heading"], **context}
    return render(request, "scoring/marking/base.html", page, status=status)


def address(name: str, exam: Exam, question: Question | None = None) -> str:
    """The address of the desk `marking:desk`, `marking:groups` or `marking:disputes`."""
    query = f"?question={question.code}" if question else ""
    return reverse(name, args=[exam.code]) + query


def go_on(request: DeskRequest, desk: str, show_next: Callable[[], HttpResponse]) -> HttpResponse:
    """After a POST: the next state at once for the script, a redirect to the desk without it.

    The redirect keeps a reload of the page from posting the form again.
    """
    return show_next() if "X-Desk" in request.headers else HttpResponseRedirect(desk)


def bar_context(
    exam: Exam,
    marker: User,
    question: Question | None,
    lease: Lease | None = None,
    disputes: bool = False,
) -> dict[str, Any]:
    """The context of the bar at the top: the progress, and the time left of the lease.

    With `disputes`, the progress is that of adjudication.
    """
    progress = marking_progress(exam, marker, question, SECONDS_OLD if lease else 0.0)
    done = progress.adjudicated if disputes else progress.done
    left = progress.disputed if disputes else progress.left
    counts = {"done": done, "all": done + left, "mine_today": progress.mine_today}
    return {"exam": exam, "progress": counts, **(lease_times(lease) if lease else {})}


def lease_of(answer: Answer, marker: User) -> Lease | None:
    """The marker's lease on the answer, unless it has run out."""
    return Lease.objects.live().filter(answer=answer, marker=marker).first()


def own_mark(answer: Answer, marker: User) -> Mark | ReferenceMark | None:
    """The mark of the answer by this marker that stands, also of a reference answer."""
    reference_marks = ReferenceMark.objects.filter(reference__answer=answer, marker=marker)
    standing = reference_marks.exclude(purpose=ReferenceMark.Purpose.WITHDRAWN)
    return giving.standing_marks(answer, marker).last() or standing.last()


def lease_times(lease: Lease) -> dict[str, int]:
    """Seconds: `lease_seconds` left of the lease, `lease_whole` of a full one."""
    left = (lease.expires_at - now()).total_seconds()
    whole = (lease.expires_at - lease.created_at).total_seconds()
    return {"lease_seconds": max(round(left), 0), "lease_whole": round(max(whole, left))}


def log(request: DeskRequest, *answers: int) -> None:
    """Record in the audit log that the user read these answers."""
    record("read", request.user, answers=list(answers))


def skipped(request: DeskRequest, name: str) -> list[int]:
    """Keys of what the marker skipped in this session, in the list of this name."""
    keys: list[int] = request.session.get(f"skipped-{name}", [])
    return keys


def skip(request: DeskRequest, name: str, pk: int) -> None:
    """Put the row behind all others for the rest of the session."""
    # Of two tabs that skip at once the session keeps the list of the last one. What it loses is
    # offered earlier than it would have been, and nothing else.
    request.session[f"skipped-{name}"] = [*skipped(request, name), pk][-MOST_SKIPPED:]


def unskip(request: DeskRequest, name: str) -> bool:
    """Forget what was skipped; False if there was nothing."""
    return bool(request.session.pop(f"skipped-{name}", None))


def error_message(error: Exception) -> str:
    """The message to the marker for an expected failure."""
    if isinstance(error, Invalid):
        return " ".join(fault["detail"] for fault in error.faults)
    if isinstance(error, LeaseLost):
        return _(
            "Your time for this answer ran out and it is no longer yours, so this mark was not"
            " saved. What you typed is still here."
        )
    reason = {"reason": error}
    return _("This was not saved (%(reason)s). What you typed is still here.") % reason

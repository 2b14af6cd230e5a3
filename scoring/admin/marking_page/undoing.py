"""Undo: the last mark is withdrawn, and its answer is on the desk again with the same points."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import disputes, empty, groups, pages, points, singles
from scoring.models import Exam, Mark, Question
from scoring.review import queue
from scoring.review.references import NotQualified


def undo(request: pages.DeskRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """Withdraw what the marker did last in the exam; the marks of a group are withdrawn as one."""
    # Sent twice at once, both find the same last mark; `undo` locks its answer, and the second gets
    # WrongState. One after the other they take back two marks, so the script sends one at a time.
    try:
        undone = queue.undo(exam, request.user)
    except NotQualified as error:
        return empty.show_closed(request, exam, question, error)
    except WrongState as error:
        # If the state of the exam is the reason, show_next says so instead of showing an answer.
        alert = pages.error_message(error)
        return singles.show_next(request, exam, question, alert=alert)
    if undone is None:
        alert = _("There is nothing to undo.")
        return singles.show_next(request, exam, question, alert=alert)
    return _show_again(request, exam, question, undone)


def _show_again(
    request: pages.DeskRequest, exam: Exam, question: Question | None, undone: queue.Undone
) -> HttpResponse:
    """Show what was undone, or the next answer if it could not be given to the marker again."""
    notice, mark = _("Taken back:"), undone.mark
    values = points.form_values(mark)
    if undone.group is not None:
        return groups.show_group(request, exam, question, undone.group, values, notice=notice)
    if undone.lease is None:
        return singles.show_next(request, exam, question, _("Taken back. Next:"))
    if isinstance(mark, Mark) and mark.source == Mark.Source.ADJUDICATOR:
        return disputes.show_leased(request, exam, undone.lease, values, notice)
    return singles.show_leased(request, exam, question, undone.lease, values, notice)

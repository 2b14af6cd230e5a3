"""Taking back what was done last: it lies on the desk again with the points that it was given."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.admin.marking_page import disputes, empty, groups, pages, points, singles
from scoring.models import Exam, Mark, Question
from scoring.review import queue
from scoring.review.references import NotQualified


def undo(request: HttpRequest, exam: Exam, question: Question | None) -> HttpResponse:
    """The marker's last deed in the exam is withdrawn: a group's as one."""
    try:
        undone = queue.undo(exam, request.user)
    except NotQualified as error:
        return empty.closed(request, exam, question, error)
    except WrongState as error:  # Of this mark; where it is the exam's, the next one tells.
        return singles.following(request, exam, question, alert=pages.told_of(error))
    if undone is None:
        nothing = _("There is nothing to take back.")
        return singles.following(request, exam, question, alert=nothing)
    return _brought_back(request, exam, question, undone)


def _brought_back(
    request: HttpRequest, exam: Exam, question: Question | None, undone: queue.Undone
) -> HttpResponse:
    said, given = _("Taken back:"), undone.judgement
    values = points.values_of(given)
    if undone.group is not None:
        return groups.opened(request, exam, question, undone.group, values, said=said)
    if undone.lease is None:
        return singles.following(request, exam, question, _("Taken back. Next:"))
    if isinstance(given, Mark) and given.source == Mark.Source.ADJUDICATOR:
        return disputes.opened(request, exam, undone.lease, values, said)
    return singles.opened(request, exam, question, undone.lease, values, said)

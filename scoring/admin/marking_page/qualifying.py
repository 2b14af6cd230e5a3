"""The page after a qualifying answer: the marker's mark beside the known one, and its reasons."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scoring.admin.marking_page import pages, points, sheets
from scoring.models import Answer, Question, ReferenceMark
from scoring.models.exams import number
from scoring.review import references


def show_comparison(
    request: pages.DeskRequest, question: Question | None, answer: Answer, mark: ReferenceMark
) -> HttpResponse:
    """Compare the marker's mark with the known one; this page is shown only once."""
    reference, exam = mark.reference, answer.question.exam
    left = references.left_to_qualify(exam, request.user)
    message = ngettext("%(left)d more reference answer.", "%(left)d more reference answers.", left)
    rows = [
        {
            "code": row.code,
            "label": row.label,
            "style": row.style,
            "mine": points.points_of(mark, row.code),
            "known": points.points_of(reference, row.code),
        }
        for row in points.rows(answer.question)
        if row.code
    ]
    context = {
        **sheets.context(answer),
        **pages.bar_context(exam, request.user, question),
        "answer_title": _("reference answer"),
        "compared": rows,
        "mine": number(mark.points),
        "known": number(reference.points),
        "agrees": mark.agrees,
        "explanation": reference.explanation,
        "progress_text": message % {"left": left}
        if left
        else _("That was the last one of this round."),
        "here": pages.address("marking:desk", exam, question),
    }
    return pages.show(request, "feedback", **context)

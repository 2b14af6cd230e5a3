"""After a qualifying answer: the marker's mark beside the known one, and why it is that."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scoring.admin.marking_page import pages, points, sheets
from scoring.models import Answer, Question, ReferenceMark
from scoring.models.exams import number
from scoring.review import references


def compared(
    request: HttpRequest, question: Question | None, answer: Answer, given: ReferenceMark
) -> HttpResponse:
    """Shown once; the next answer comes by itself."""
    known, exam = given.reference, answer.question.exam
    left = references.left_to_qualify(exam, request.user)
    more = ngettext("%(left)d more reference answer.", "%(left)d more reference answers.", left)
    rows = [
        {
            "code": row.code,
            "label": row.label,
            "style": row.style,
            "mine": points.points_of(given, row.code),
            "known": points.points_of(known, row.code),
        }
        for row in points.rows(answer.question)
        if row.code
    ]
    context = {
        **sheets.sheet(answer),
        **pages.bar(exam, request.user, question),
        "answer_title": _("reference answer"),
        "compared": rows,
        "mine": number(given.points),
        "known": number(known.points),
        "agrees": given.agrees,
        "explanation": known.explanation,
        "round_words": more % {"left": left} if left else _("That was the last one of the round."),
        "here": pages.address("marking:desk", exam, question),
    }
    return pages.show(request, "feedback", **context)

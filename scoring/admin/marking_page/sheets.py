"""An answer as it lies on the desk: its question beside it, and what may be seen of the machine."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from scoring.admin.answer_page import Highlighter, length, parts
from scoring.admin.evidence import spans
from scoring.admin.flags import explained
from scoring.admin.marking_page import points
from scoring.marks import settlement
from scoring.models import Answer, Mark, MarkingPolicy
from scoring.models.exams import number

Shown = MarkingPolicy.Shown


def read(pk: int) -> Answer:
    """The answer with all that the desk shows, in few queries."""
    rows = Answer.objects.select_related("question__exam__policy", "question__calibration")
    return rows.prefetch_related("question__criteria", "question__model_answers").get(pk=pk)


def sheet(
    answer: Answer,
    values: Mapping[str, str] | None = None,
    others: Mapping[str, Mark] | None = None,
) -> dict[str, Any]:
    """The context of the desk's two columns, with what is already typed."""
    question, shown = answer.question, MarkingPolicy.of(answer.question.exam).shown
    wire = question.wire()
    machine = None if shown == Shown.NOTHING else settlement.machine_mark(answer)
    evidence = spans(machine.criteria) if machine else []
    criteria = [(one.code, one.label) for one in question.criteria.all()]
    suggested = machine if shown == Shown.MARK else None
    return {
        "question": question,
        "heading": question.label or question.code,
        "answer_title": _("answer"),
        "number": f"#{answer.pk}",
        "parts": parts(answer.text, wire, Highlighter(criteria, evidence), evidence),
        "blank": not answer.text.strip(),
        "length": length(answer.text, wire),
        "flags": explained(machine.flags) if machine else [],
        "has_evidence": bool(evidence),
        "model_answers": list(question.model_answers.all()),
        "rows": points.rows(question, values, suggested, others),
        "values": values or {},
        "most": number(question.max_points),
        "key": ("answer", answer.pk),
        "submit_words": _("Submit, next"),
    }

"""An answer on the desk, with its question and what the policy shows of the machine's mark."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from pmscoring.base import texts
from scoring.admin.answer_page import Highlighter, length, parts
from scoring.admin.evidence import spans
from scoring.admin.flags import explained
from scoring.admin.marking_page import points
from scoring.marks import settlement
from scoring.models import Answer, Mark, MarkingPolicy
from scoring.models.exams import number

Shown = MarkingPolicy.Shown


def get_answer(pk: int) -> Answer:
    """The answer with everything that the desk shows of it, in three queries."""
    rows = Answer.objects.select_related("question__exam__policy", "question__calibration")
    return rows.prefetch_related("question__criteria", "question__model_answers").get(pk=pk)


def context(
    answer: Answer,
    values: Mapping[str, str] | None = None,
    others: Mapping[str, Mark] | None = None,
) -> dict[str, Any]:
    """The context of the desk's two columns.

    `values` are filled into the form, by field; `others` are the marks of other markers, by the
    letter under which they are shown.
    """
    question, shown = answer.question, MarkingPolicy.of(answer.question.exam).shown
    wire = question.wire()
    machine = None if shown == Shown.NOTHING else settlement.machine_mark(answer)
    evidence = spans(machine.criteria) if machine else []
    criteria = [(criterion.code, criterion.label) for criterion in question.criteria.all()]
    suggested = machine if shown == Shown.MARK else None
    return {
        "question": question,
        "heading": question.label or question.code,
        "answer_title": _("answer"),
        "number": f"#{answer.pk}",
        "parts": parts(answer.text, wire, Highlighter(criteria, evidence), evidence),
        "blank": texts.is_blank(answer.text),
        "length": length(answer.text, wire),
        "why": "" if shown == Shown.NOTHING else _why(answer),
        "flags": explained(machine.flags) if machine else [],
        "has_evidence": bool(evidence),
        "model_answers": list(question.model_answers.all()),
        "rows": points.rows(question, values, suggested, others),
        "values": values or {},
        "most": number(question.max_points),
        "key": ("answer", answer.pk),
        "submit_label": _("Submit, next"),
    }


def _why(answer: Answer) -> str:
    """Why the answer is in the queue, for markers who may see something of the machine.

    A hidden reference answer, which nobody may tell from the others, has the commonest reason.
    """
    reason = answer.review_reason or Answer.Reason.UNCERTAIN
    return str(Answer.Reason(reason).label)

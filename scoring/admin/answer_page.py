"""The context of an answer's page: its text with the evidence, its length, its marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from pmscoring.base import texts
from scoring.admin.evidence import Layer, Span, Stretch, lanes, spans, stretches, within
from scoring.admin.flags import doubt_name, explained
from scoring.marks import visibility
from scoring.models import Answer, Mark, Question
from scoring.models.exams import number

STYLES = 8


@dataclass(frozen=True)
class Length:
    """A length in characters or cells, as counted on the answer sheet, with its limits."""

    count: int
    least: int | None
    most: int | None
    cells: bool

    @property
    def verdict(self) -> str:
        """`over`, `under` or `ok`."""
        if self.most is not None and self.count > self.most:
            return "over"
        return "under" if self.least is not None and self.count < self.least else "ok"

    @property
    def filled(self) -> int:
        """Percentage of the upper limit, at most 100; 0 without a limit."""
        return min(self.count * 100 // self.most, 100) if self.most else 0

    def __str__(self) -> str:
        length = str(self.count) if self.most is None else f"{self.count} / {self.most}"
        if self.least is not None:
            length = f"{self.count} / {self.least}–{'' if self.most is None else self.most}"
        unit = _("%(length)s cells") if self.cells else _("%(length)s characters")
        return unit % {"length": length}


@dataclass(frozen=True)
class Part:
    """A section of the answer; an answer without sections is one part without a label."""

    label: str
    html: SafeString
    length: Length | None


class Highlighter:
    """Marks the evidence in a text, with a colour and an underline for each criterion.

    Doubts have a wavy underline with their reason.
    """

    def __init__(self, criteria: Sequence[tuple[str, str]], evidence: Sequence[Span]) -> None:
        """`criteria` are pairs of code and label, in the question's order.

        Evidence of a criterion that the question no longer has is shown too, without a label.
        """
        known = dict(criteria)
        codes = [span.code for span in evidence if not span.reason]
        self.labels = known | {code: "" for code in codes if code not in known}
        self.styles = {code: index % STYLES for index, code in enumerate(self.labels)}
        self.lanes = lanes(list(self.labels), evidence)

    def html(self, text: str, evidence: Sequence[Span]) -> SafeString:
        """The text, escaped, with its evidence marked."""
        pieces = ((self._stretch(stretch),) for stretch in stretches(text, evidence))
        return format_html_join("", "{}", pieces)

    def _stretch(self, stretch: Stretch) -> SafeString:
        order = list(self.labels)
        html = format_html("{}", stretch.text)
        for layer in stretch.layers:
            if layer.reason:
                html = _doubted(layer, html)
        evidence = [layer for layer in stretch.layers if not layer.reason]
        # From the inside out, so that the first criterion's element is the outermost.
        for layer in sorted(evidence, key=lambda layer: order.index(layer.code), reverse=True):
            html = format_html(
                '<mark class="pms-ev pms-c{} pms-lane{}" title="{} {}"{}>{}</mark>',
                self.styles[layer.code],
                self.lanes[layer.code],
                layer.code,
                self.labels[layer.code],
                format_html(' data-code="{}"', layer.code) if layer.begins else "",
                html,
            )
        return html


def _doubted(layer: Layer, html: SafeString) -> SafeString:
    name = doubt_name(layer.reason)
    begins = format_html(' data-doubt="{}"', name) if layer.begins else ""
    return format_html('<mark class="pms-doubt" title="{}"{}>{}</mark>', name, begins, html)


def page(answer: Answer, user: User | AnonymousUser) -> dict[str, Any]:
    """The template's context, with no more of the marks than the user may see."""
    question = answer.question
    wire = question.wire()
    prefetch_related_objects([answer], Prefetch("marks", Mark.objects.select_related("marker")))
    visible = visibility.visible_answer(answer, user)
    marks = visible.marks
    machine = _machine(marks, question)
    person = _latest(marks, Mark.Source.ADJUDICATOR) or _latest(marks, Mark.Source.HUMAN)
    evidence = spans(machine.criteria) if machine else []
    criteria = list(question.criteria.all())
    highlighter = Highlighter([(row.code, row.label) for row in criteria], evidence)
    return {
        "answer": answer,
        "question": question,
        "exam": question.exam,
        "parts": parts(answer.text, wire, highlighter, evidence),
        "length": length(answer.text, wire),
        "rows": [_row(criterion, highlighter, machine, person) for criterion in criteria],
        "model_answers": list(question.model_answers.all()),
        "flags": explained(machine.flags if machine else answer.flags),
        "machine": machine,
        "person": person,
        "outdated": _outdated(machine, question) if machine else "",
        "marks": marks[::-1],
        "final": visible.final[0] if visible.final else None,
        "review": Answer.Review(visible.review),
        "why": _why(answer, user),
        "most": number(question.max_points),
    }


def _why(answer: Answer, user: User | AnonymousUser) -> str:
    """Why people are asked to mark the answer, for those who see every mark of it."""
    if not visibility.sees_every_mark(user) or answer.review == Answer.Review.NONE:
        return ""
    return str(answer.get_review_reason_display())


def _machine(marks: Sequence[Mark], question: Question) -> Mark | None:
    """The machine's mark in force; until there is one, its latest mark."""
    in_force = [mark for mark in marks if mark.is_in_force(question)]
    return in_force[-1] if in_force else _latest(marks, Mark.Source.MACHINE)


def _outdated(mark: Mark, question: Question) -> str:
    """The label of a mark that is not in force: why it is not; empty for one that is."""
    if mark.definition != question.digest:
        return _("old definition")
    return "" if mark.is_in_force(question) else _("other calibration")


def _latest(marks: Sequence[Mark], source: str) -> Mark | None:
    return next((mark for mark in reversed(marks) if mark.source == source), None)


def _row(
    criterion: Any, highlighter: Highlighter, machine: Mark | None, person: Mark | None
) -> dict[str, Any]:
    suggested = _criterion_mark(machine, criterion.code)
    return {
        "criterion": criterion,
        "style": highlighter.styles[criterion.code],
        "most": number(criterion.points),
        "machine": suggested and suggested["points"],
        "person": (_criterion_mark(person, criterion.code) or {}).get("points"),
        "has_evidence": bool(suggested and suggested.get("evidence")),
        "filled": round(100 * suggested["points"] / float(criterion.points))
        if suggested and criterion.points
        else 0,
    }


def _criterion_mark(mark: Mark | None, code: str) -> dict[str, Any] | None:
    if mark is None:
        return None
    return next((criterion for criterion in mark.criteria if criterion["code"] == code), None)


def length(text: str, question: Mapping[str, Any]) -> Length:
    """The length of the whole answer: of an essay the sum of its sections."""
    limits = question["limits"]
    count = texts.count(text, limits["count"])
    if question["sections"]:
        count = sum(texts.section_counts(text, question))
    return Length(count, limits["min"], limits["max"], limits["count"] == "cells")


def parts(
    text: str, question: Mapping[str, Any], highlighter: Highlighter, evidence: Sequence[Span]
) -> list[Part]:
    """The answer's sections in the order of the text, with the text between them as parts too."""
    sections = question["sections"]
    if not sections:
        return [Part("", highlighter.html(text, evidence), None)]
    labels = [section["label"] for section in sections]
    counts = texts.section_counts(text, question)
    spans_of_sections = enumerate(texts.sections(text, labels))
    answer_parts: list[Part] = []
    cursor = 0
    for index, (start, end) in sorted(spans_of_sections, key=lambda item: (item[1], item[0])):
        answer_parts += _outside(text, cursor, start, labels, highlighter, evidence)
        limits, cells = sections[index]["limits"], question["limits"]["count"] == "cells"
        size = Length(counts[index], limits["min"], limits["max"], cells)
        html = highlighter.html(text[start:end].strip("\n"), _inside(text, start, end, evidence))
        answer_parts.append(Part(labels[index], html, size))
        cursor = max(cursor, end)
    return answer_parts


def _inside(text: str, start: int, end: int, evidence: Sequence[Span]) -> list[Span]:
    """The section's evidence, in offsets of the section without the line breaks around it."""
    head = len(text[start:end]) - len(text[start:end].lstrip("\n"))
    return within(evidence, start + head, end)


def _outside(
    text: str,
    start: int,
    end: int,
    labels: Sequence[str],
    highlighter: Highlighter,
    evidence: Sequence[Span],
) -> list[Part]:
    """The text between two sections as a part, unless it is only the label of the next."""
    between = text[start:end]
    if not between.strip() or texts.folded(between) in map(texts.folded, labels):
        return []
    return [Part("", highlighter.html(between, within(evidence, start, end)), None)]


def neighbours(answer: Answer, answers: "QuerySet[Answer]") -> dict[str, Answer | None]:
    """`previous` and `next`: the answers before and after this one to the same question."""
    same = answers.filter(question=answer.question_id)
    return {
        "previous": same.filter(pk__lt=answer.pk).order_by("-pk").first(),
        "next": same.filter(pk__gt=answer.pk).order_by("pk").first(),
    }

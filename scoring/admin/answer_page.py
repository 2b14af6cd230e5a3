"""What the page of one answer shows, made ready for its template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from pmscoring.base import texts
from scoring.admin.evidence import Span, Stretch, lanes, spans, stretches, within
from scoring.admin.flags import explained
from scoring.marks import visibility
from scoring.models import Answer, Mark, Question
from scoring.models.exams import number

STYLES = 8


@dataclass(frozen=True)
class Length:
    """A count as on the answer sheet, beside its limits."""

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
        """Percents of the limit, at most 100."""
        return min(self.count * 100 // self.most, 100) if self.most else 0

    def __str__(self) -> str:
        told = str(self.count) if self.most is None else f"{self.count} / {self.most}"
        if self.least is not None:
            told = f"{self.count} / {self.least}–{'' if self.most is None else self.most}"
        words = {"told": told}
        return _("%(told)s cells") % words if self.cells else _("%(told)s characters") % words


@dataclass(frozen=True)
class Part:
    """A section of the answer; an answer without sections is one part without a label."""

    label: str
    html: SafeString
    length: Length | None


class Highlighter:
    """Colours and underlines for the criteria of one mark over one text."""

    def __init__(self, criteria: Sequence[tuple[str, str]], evidence: Sequence[Span]) -> None:
        """`criteria` are pairs of code and label, in the question's order."""
        strange = dict.fromkeys(s.code for s in evidence if s.code not in dict(criteria))
        self.labels = {**dict(criteria), **dict.fromkeys(strange, "")}
        self.styles = {code: index % STYLES for index, code in enumerate(self.labels)}
        self.lanes = lanes(list(self.labels), evidence)

    def html(self, text: str, evidence: Sequence[Span]) -> SafeString:
        """The text, escaped, with its evidence marked."""
        found = stretches(text, evidence)
        return format_html_join("", "{}", ((self._stretch(stretch),) for stretch in found))

    def _stretch(self, stretch: Stretch) -> SafeString:
        order = list(self.labels)
        html = format_html("{}", stretch.text)
        for layer in sorted(stretch.layers, key=lambda one: order.index(one.code), reverse=True):
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


def page(answer: Answer, user: Any) -> dict[str, Any]:
    """The template's context as far as the user may see it, without what is managers' alone."""
    question = answer.question
    wire = question.wire()
    named = Prefetch("marks", Mark.objects.select_related("marker"))
    prefetch_related_objects([answer], named)
    seen = visibility.seen(answer, user)
    marks = seen.marks
    machine = _machine(marks, question)
    person = _latest(marks, Mark.Source.ADJUDICATOR) or _latest(marks, Mark.Source.HUMAN)
    evidence = spans(machine.criteria) if machine else []
    criteria = list(question.criteria.all())
    highlighter = Highlighter([(one.code, one.label) for one in criteria], evidence)
    return {
        "answer": answer,
        "question": question,
        "exam": question.exam,
        "parts": parts(answer.text, wire, highlighter, evidence),
        "length": length(answer.text, wire),
        "rows": [_row(one, highlighter, machine, person) for one in criteria],
        "model_answers": list(question.model_answers.all()),
        "flags": explained(machine.flags if machine else answer.flags),
        "machine": machine,
        "person": person,
        "outdated": _outdated(machine, question) if machine else "",
        "marks": marks[::-1],
        "final": seen.final[0] if seen.final else None,
        "review": Answer.Review(seen.review),
        "most": number(question.max_points),
    }


def _machine(marks: Sequence[Mark], question: Question) -> Mark | None:
    """The machine's mark in force; as long as there is none, the latest of the others."""
    in_force = [mark for mark in marks if mark.is_in_force(question)]
    return in_force[-1] if in_force else _latest(marks, Mark.Source.MACHINE)


def _outdated(mark: Mark, question: Question) -> str:
    """Why the machine's mark is not in force, in two words; empty where it is."""
    if mark.definition != question.digest:
        return _("old definition")
    return "" if mark.is_in_force(question) else _("other calibration")


def _latest(marks: Sequence[Mark], source: str) -> Mark | None:
    return next((mark for mark in reversed(marks) if mark.source == source), None)


def _row(
    criterion: Any, highlighter: Highlighter, machine: Mark | None, person: Mark | None
) -> dict[str, Any]:
    found = _part_of(machine, criterion.code)
    return {
        "criterion": criterion,
        "style": highlighter.styles[criterion.code],
        "most": number(criterion.points),
        "machine": found and found["points"],
        "person": (_part_of(person, criterion.code) or {}).get("points"),
        "has_evidence": bool(found and found.get("evidence")),
        "filled": round(100 * found["points"] / float(criterion.points))
        if found and criterion.points
        else 0,
    }


def _part_of(mark: Mark | None, code: str) -> dict[str, Any] | None:
    return next((one for one in mark.criteria if one["code"] == code), None) if mark else None


def length(text: str, question: Mapping[str, Any]) -> Length:
    """The count of the whole answer."""
    limits = question["limits"]
    count = texts.count(text, limits["count"])
    if question["sections"]:
        count = sum(texts.section_counts(text, question))
    return Length(count, limits["min"], limits["max"], limits["count"] == "cells")


def parts(
    text: str, question: Mapping[str, Any], highlighter: Highlighter, evidence: Sequence[Span]
) -> list[Part]:
    """The answer's sections in the order of the text, and what stands outside of them."""
    wanted = question["sections"]
    if not wanted:
        return [Part("", highlighter.html(text, evidence), None)]
    labels = [section["label"] for section in wanted]
    counts = texts.section_counts(text, question)
    found, cursor = [], 0
    for index, (start, end) in sorted(
        enumerate(texts.sections(text, labels)), key=lambda one: (one[1], one[0])
    ):
        found += _outside(text, cursor, start, labels, highlighter, evidence)
        limits, cells = wanted[index]["limits"], question["limits"]["count"] == "cells"
        size = Length(counts[index], limits["min"], limits["max"], cells)
        html = highlighter.html(text[start:end].strip("\n"), _inside(text, start, end, evidence))
        found.append(Part(labels[index], html, size))
        cursor = max(cursor, end)
    return found


def _inside(text: str, start: int, end: int, evidence: Sequence[Span]) -> list[Span]:
    """The evidence in a section of which the line breaks around it are not shown."""
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
    """What stands between two sections, unless it is only the next one's label."""
    between = text[start:end]
    if not between.strip() or texts.folded(between) in map(texts.folded, labels):
        return []
    return [Part("", highlighter.html(between, within(evidence, start, end)), None)]


def neighbours(answer: Answer, answers: "QuerySet[Answer]") -> dict[str, Answer | None]:
    """The answers before and after this one to the same question."""
    same = answers.filter(question=answer.question_id)
    return {
        "previous": same.filter(pk__lt=answer.pk).order_by("-pk").first(),
        "next": same.filter(pk__gt=answer.pk).order_by("pk").first(),
    }

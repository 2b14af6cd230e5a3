"""The marks in the lines of a table below its headings, also as our own exports write them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pmscoring.base import texts
from pmscoring.base.words import joined
from pmscoring.base.words import words as _
from scoring.documents.base import Place, PlacedRow, Questions, Skipped, question_code
from scoring.documents.cells import Cell, Merged, NoText, is_filled
from scoring.documents.formulas import unescaped
from scoring.documents.headings import NOT_READ, Contents, Header, Line, heading_key
from scoring.documents.line_reader import LineReader, Owner, contains

NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
PAIR = re.compile(r"([^\s,;、=]+)\s*=\s*([0-9.]+)")
SEPARATORS = re.compile(r"[\s,;、]*")
SOURCES = {
    "": "human",
    "human": "human",
    "人": "human",
    "adjudicator": "adjudicator",
    "裁定者": "adjudicator",
}
OTHER_SOURCES = {"machine", "機械", "withdrawal", "取消し"}
TOTALS = "合計 合計点 総得点 総合点 提案の合計 total suggestedtotal"
YES, NO = {"1", "true", "yes", "はい"}, {"", "0", "false", "no", "いいえ"}


class Marks(Contents):
    """Tables of marks. `source` and `withdrawn` are columns of the export of the mark history."""

    words = Contents.words | {
        "points": "得点 点数 点 素点 採点 評点 score",
        "criteria": "採点基準ごとの得点 基準ごとの得点 基準別得点",
        "comment": "コメント 講評 備考 所見 comments",
        "marker": "採点者 採点者名 評価者 rater",
        "source": "採点の種別",
        "withdrawn": "取り消された",
        NOT_READ: "解答番号 採点番号 時刻 注意 確信度 較正 モデル まとめ採点 取り消した採点"
        " 所要秒数 状態 機械の提案 合計に算入 解答 回答 答案 解答文 回答文 解答内容 回答内容"
        " 解答本文 本文 answer text mark time flags confidence calibration model group withdraws"
        f" seconds status suggested counted 欠席 absent 確定 complete {TOTALS}",
    }
    value = "points"

    def left_out(self, lines: Sequence[Line]) -> str:
        """Totals of candidates, as the export of the results has them on a sheet, are no marks."""
        for line in lines:
            labels = [str(cell) for cell in line.cells if is_filled(cell)]
            names = set(map(self.name, labels))
            codes = {question_code(label, self.questions) for label in labels}
            is_marks = names & {"question", "points", "criteria"} or codes & {
                *self.questions.values()
            }
            if "candidate" in names and not is_marks and any(map(_is_total, labels)):
                return _("totals of candidates were not read")
        return ""

    def missing(self, names: Any, criteria: Any) -> Iterator[str]:
        by_criterion = "criteria" in names or bool(criteria)
        yield from (
            name
            for name in super().missing(names, criteria)
            if not (name == "points" and by_criterion)
        )

    def name(self, heading: object) -> str:
        """As in any table, but a heading that is a criterion's name means that criterion."""
        name = super().name(heading)
        is_criterion = name == NOT_READ and texts.folded(str(heading)) in self.criteria
        return "" if is_criterion else name

    def rows(self, header: Header, lines: Iterable[Line]) -> Iterator[PlacedRow]:
        """The rows of the lines below the headings; what is no mark by a person is skipped."""
        if header.unread:
            labels = ", ".join(header.labels[index] for index in header.unread)
            yield header.place, Skipped(joined(": ", [_("columns that are not read"), labels]))
        others = unmarked = 0
        above = Owner()
        for line in lines:
            reader = _LineReader(header, line, self.questions, above)
            above = reader.owner
            is_other, is_unmarked = reader.is_other(), reader.is_unmarked()
            others += is_other
            unmarked += is_unmarked
            if not (is_other or is_unmarked):
                yield from reader.rows()
        if others:
            reason = _("%d marks by the machine, or withdrawn, are not read") % others
            yield header.place, Skipped(reason)
        if unmarked:
            yield header.place, Skipped(_("%d rows without points are not read") % unmarked)


class _LineReader(LineReader):
    plain = ("candidate", "question", "attempt", "marker", "source", "withdrawn", "comment")

    def __init__(self, header: Header, line: Line, questions: Questions, above: Owner) -> None:
        super().__init__(header, line, above)
        self.questions = questions

    def is_other(self) -> bool:
        """Whether the mark is the machine's, or was withdrawn."""
        return self._word("source") in OTHER_SOURCES or self._word("withdrawn") in YES

    def is_unmarked(self) -> bool:
        """Whether the line has neither points nor a comment, as of an answer that waits."""
        names = ("points", "criteria", "comment")
        columns = [*self.header.answers, *self.header.criteria]
        cells = [*map(self.cell, names), *map(self.at, columns)]
        return self.has_candidate and not self.line.is_hidden and not any(map(is_filled, cells))

    def rows(self) -> Iterator[PlacedRow]:
        """The row of a long table, or one for each mark in a wide one."""
        if fault := self.line_fault() or self._word_fault():
            reason, name = fault
            yield self.place(), self.unreadable(reason, name)
        elif self.header.answers:
            for index, code in self.header.answers.items():
                if is_filled(self.at(index)):
                    label = self.label(index)
                    place = self.place({"question": label, "points": label})
                    yield self._mark(code, self.at(index), place)
        else:
            question = unescaped(self.named("question"))
            yield self._mark(question, self.cell("points"), self.place())

    def _mark(self, question: str, points: Cell, place: Place) -> PlacedRow:
        cells = {"points": points} if is_filled(points) else {}
        criteria = {
            self.header.criteria[i]: self.at(i)
            for i in self.header.criteria
            if is_filled(self.at(i))
        }
        labels = {f"criteria/{name}": self.label(i) for i, name in self.header.criteria.items()}
        place = Place(place.line, place.sheet, place.file, {**place.columns, **labels})
        by_pointer = cells | {f"criteria/{name}": cell for name, cell in criteria.items()}
        for name, cell in by_pointer.items():
            if reason := _no_number(cell):
                return place, self.unreadable(reason, name)
        by_name = {name: _number(str(cell)) for name, cell in criteria.items()}
        listed = _listed(unescaped(self.named("criteria")))
        if listed is None or isinstance(self.cell("criteria"), NoText):
            return place, self.unreadable(_("points such as C1=4 C2=2 are expected"), "criteria")
        row = self.row(question=question_code(question, self.questions), **self._words())
        if cells:
            row["points"] = _number(str(points))
        if by_name or listed:
            row["criteria"] = listed | by_name
        return place, row

    def _words(self) -> dict[str, str]:
        words = {name: unescaped(self.named(name)) for name in ("comment", "marker")}
        return {
            "source": SOURCES[self._word("source")],
            **{name: word for name, word in words.items() if word.strip()},
        }

    def _word_fault(self) -> tuple[str, str] | None:
        if self._word("source") not in SOURCES:
            return _("human or adjudicator is expected here"), "source"
        if self._word("withdrawn") not in NO:
            return _("true or false is expected here"), "withdrawn"
        return None

    def _word(self, name: str) -> str:
        return texts.folded(self.named(name)).casefold()


def _is_total(label: str) -> bool:
    return heading_key(label) in TOTALS.split()


def _no_number(cell: Cell) -> str:
    """Why the cell holds no points, or "" where it does."""
    if isinstance(cell, Merged):
        return _("a merged cell over several rows; write each mark in a cell of its own")
    if isinstance(cell, NoText):
        return contains(cell)
    if not NUMBER.fullmatch(texts.folded(cell)):
        return _("a number such as 4 or 2.5 is expected")
    return ""


def _number(text: str) -> float:
    number = float(texts.folded(text))
    return int(number) if number.is_integer() else number


def _listed(text: str) -> dict[str, float] | None:
    """The points by criterion of `C1=4 C2=2`; None for anything else."""
    text = texts.folded(text)
    pairs = PAIR.findall(text)
    rest = SEPARATORS.sub("", PAIR.sub("", text))
    codes = [code for code, _points in pairs]
    if rest or len(set(codes)) < len(codes):
        return None
    if not all(NUMBER.fullmatch(points) for _code, points in pairs):
        return None
    return {code: _number(points) for code, points in pairs}

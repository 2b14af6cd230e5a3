"""The answers in the lines of a table below its headings.

A row whose text is not certain is refused, and with it all rows of its candidate are held back, so
a refused row is attributed to a candidate wherever it can be.
"""

from collections.abc import Iterable, Iterator

from pmscoring.base import texts
from pmscoring.base.words import words as _
from scoring.documents.base import Place, PlacedRow, Questions, question_code
from scoring.documents.cells import Merged, NoText, is_filled
from scoring.documents.headings import Contents, Header, Line
from scoring.documents.line_reader import LineReader, Owner, contains

YES = {"1", "true", "yes", "y", "○", "〇", "欠席", "欠", "はい"}
ABSENCES = ("欠席", "欠試")
"""What some write into the cells of a candidate who did not come."""
LONGEST_ABSENCE = 10
NO = {"", "0", "false", "no", "n", "×", "出席", "出", "いいえ", "-"}


class Answers(Contents):
    """Tables of answers."""

    words = Contents.words | {
        "text": "解答 回答 答案 解答文 回答文 解答内容 回答内容 解答本文 本文 answer",
        "absent": "欠席 欠席者 欠 absence",
    }
    value = "text"

    def rows(self, header: Header, lines: Iterable[Line]) -> Iterator[PlacedRow]:
        """The rows of the lines below the headings."""
        above = Owner()
        for line in lines:
            reader = _LineReader(header, line, self.questions, above)
            yield from reader.rows()
            above = reader.owner


class _LineReader(LineReader):
    plain = ("candidate", "question", "attempt", "absent")

    def __init__(self, header: Header, line: Line, questions: Questions, above: Owner) -> None:
        super().__init__(header, line, above)
        self.questions = questions

    def rows(self) -> Iterator[PlacedRow]:
        """The row of a long table, or one for each answer in a wide one."""
        if fault := self.line_fault() or self._absent_fault():
            reason, name = fault
            yield self.place(), self.unreadable(reason, name)
        elif self._is_absent():
            yield self.place(), self.row(absent=True)
        elif self.header.answers:
            yield from self._wide()
        else:
            yield self._answer(self.named("question"), self.header.names["text"], self.place())

    def _wide(self) -> Iterator[PlacedRow]:
        filled = [i for i in self.header.answers if is_filled(self.at(i))]
        for index in filled:
            label = self.label(index)
            place = self.place({"question": label, "text": label})
            yield self._answer(self.header.answers[index], index, place)
        if not filled:
            # A candidate who came and left every answer empty is not lost.
            yield self.place(), self.row(absent=False)

    def _answer(self, question: str, column: int, place: Place) -> PlacedRow:
        text = self.at(column)
        if isinstance(text, Merged):
            reason = _("a merged cell over several rows; write each answer in a cell of its own")
            return place, self.unreadable(reason, "text")
        if isinstance(text, NoText):
            return place, self.unreadable(contains(text), "text")
        if len(text) < LONGEST_ABSENCE and texts.folded(text).strip("()「」[]") in ABSENCES:
            reason = _("an absence is no answer; mark it in a column 欠席 (absent)")
            return place, self.unreadable(reason, "text")
        code = question_code(question, self.questions)
        return place, self.row(question=code, text=str(text))

    def _absent_fault(self) -> tuple[str, str] | None:
        absent = texts.folded(self.named("absent")).casefold()
        if absent not in YES | NO:
            return _("1 for an absent candidate is expected here, or nothing"), "absent"
        answers = [self.header.names.get("text", -1), *self.header.answers]
        if absent in YES and any(is_filled(self.at(index)) for index in answers):
            return _("an absent candidate has no answers"), "absent"
        return None

    def _is_absent(self) -> bool:
        return texts.folded(self.named("absent")).casefold() in YES

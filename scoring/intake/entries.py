"""What arrives, checked against the exam and its questions, and what became of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from pmscoring.base import texts
from pmscoring.base.faults import Fault, fault
from pmscoring.base.words import worded
from pmscoring.base.words import words as _
from scoring.contract.faults import faults
from scoring.contract.lengths import too_long
from scoring.models import Batch, Exam, Question, locks

CHUNK = 2000
Record = dict[str, Any]
Key = tuple[int, str, int]
"""What a submission is unique by: the exam's key, the candidate, the attempt."""


class Written(NamedTuple):
    """An answer as it was sent; `position` is its place in the record, `question` a key."""

    position: int
    question: int
    code: str
    text: str
    text_key: str


@dataclass
class Entry:
    """A valid submission that is not stored yet; `line` is its line in what was sent."""

    line: int
    exam: Exam
    candidate: str
    attempt: int
    absent: bool
    answers: list[Written]

    @property
    def key(self) -> Key:
        """What a submission is unique by."""
        return self.exam.pk, self.candidate, self.attempt


@dataclass
class Outcome:
    """The result of a batch: `rejected` and `skipped` are lists of `{line, pointer, detail}`.

    `rejected` are submissions of which nothing was stored, `skipped` single answers that the rule
    for conflicts left out, `in_conflict` the keys of the stored answers in their place. `added` is
    how many answers were stored, and `questions` the keys of their questions.
    """

    batch: Batch
    accepted: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    questions: set[int] = field(default_factory=set)
    in_conflict: set[int | None] = field(default_factory=set)
    added: int = 0


def _shared_exam(code: str) -> Exam | None:
    """The exam, which no other transaction fixes or redefines before this one ends."""
    # The exam may be fixed at this moment, under FOR UPDATE. If this comes first, fixing waits and
    # its results include these answers. If fixing comes first, this waits, reads the state again
    # and the submissions are refused.
    exam = Exam.objects.filter(code=code).first()
    status = locks.share_exam(exam.pk) if exam else None
    if exam is None or status is None:
        return None
    exam.status = status
    return exam


class Intake:
    """Checks records against their exams, each of which is read and shared once."""

    def __init__(self) -> None:
        self.exams: dict[str, tuple[Exam, dict[str, tuple[Question, Record]]] | None] = {}

    def _exam(self, code: str) -> tuple[Exam, dict[str, tuple[Question, Record]]] | None:
        if code not in self.exams:
            exam = _shared_exam(code)
            questions = Question.objects.select_related("exam").filter(exam=exam)
            questions = questions.prefetch_related("criteria", "model_answers")
            by_code = {question.code: (question, question.wire()) for question in questions}
            self.exams[code] = (exam, by_code) if exam else None
        return self.exams[code]

    def check(self, record: Any, line: int = 1) -> Entry | list[Fault]:
        """The record as an Entry, or all of its faults."""
        if schema_faults := faults("submission", record):
            return schema_faults
        definition = self._exam(record["exam"])
        if definition is None:
            return [fault("/exam", _("there is no exam %s") % record["exam"])]
        exam, questions = definition
        if exam.closed_message:
            return [fault("/exam", exam.closed_message)]
        answers = record.get("answers", [])
        problems = _answer_faults(answers, questions)
        if reason := texts.refused_identifier(record["candidate"]):
            problems.append(fault("/candidate", worded(reason)))
        if record.get("absent") and answers:
            problems.append(fault("/answers", _("an absent candidate has no answers")))
        if problems:
            return problems
        return Entry(
            line=line,
            exam=exam,
            candidate=texts.identifier(record["candidate"]),
            attempt=int(record.get("attempt", 1)),  # 1.0 is an integer to JSON Schema
            absent=bool(record.get("absent")),
            answers=[
                _written(index, answer, *questions[answer["question"]])
                for index, answer in enumerate(answers)
            ],
        )


def _written(index: int, answer: Record, question: Question, wire: Record) -> Written:
    text = _text(answer)
    return Written(index, question.pk, question.code, text, texts.text_key(text, wire))


def _text(answer: Record) -> str:
    text: str = answer["text"] if "text" in answer else texts.SECTION_BREAK.join(answer["sections"])
    return text


def _answer_faults(answers: Sequence[Record], questions: dict[str, Any]) -> list[Fault]:
    problems = []
    codes: set[str] = set()
    for index, answer in enumerate(answers):
        code = answer["question"]
        if code not in questions:
            reason = _("there is no question %s") % code
            problems.append(fault(f"/answers/{index}/question", reason))
        if code in codes:
            reason = _("%s is answered twice") % code
            problems.append(fault(f"/answers/{index}/question", reason))
        codes.add(code)
        refusal = texts.refused_character(_text(answer))
        refused: str | None = worded(refusal) if refusal else None
        if not refused and code in questions:
            refused = too_long(_text(answer), questions[code][1])
        if refused:
            problems.append(fault(f"/answers/{index}/text", refused))
    return problems


def chunks(records: Iterable[tuple[int, Any]], outcome: Outcome) -> Iterator[list[Entry]]:
    """Valid entries, CHUNK at a time; the faults of the others go to the outcome, in order."""
    entries = _checked(Intake(), records, outcome)
    while chunk := list(islice(entries, CHUNK)):
        yield chunk
    outcome.rejected.sort(key=itemgetter("line"))


def _checked(
    intake: Intake, records: Iterable[tuple[int, Any]], outcome: Outcome
) -> Iterator[Entry]:
    for line, record in records:
        entry = intake.check(record, line)
        if isinstance(entry, Entry):
            yield entry
        else:
            outcome.rejected += [{"line": line, **entry_fault} for entry_fault in entry]

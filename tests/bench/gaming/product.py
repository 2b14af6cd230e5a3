"""What the product makes of a machine mark: its own rules, on models that are never stored.

The exam lets the machine settle what it is sure of; all else is as a new exam has it.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from scoring.agreement import coverage
from scoring.calibration.thresholds import ALPHA
from scoring.marks.settlement import CountedMark, Rules, Settling, State, decide
from scoring.models import Answer, Exam, Mark, MarkingPolicy, Question

TARGET = MarkingPolicy().target_agreement
FEWEST = coverage.fewest_answers(TARGET, ALPHA)
"""Of fewer marked answers no threshold is proposed."""


class Desk:
    """A question with a threshold, None for none, in an exam that is being marked."""

    def __init__(self, wire: dict[str, Any], threshold: float | None) -> None:
        exam = Exam(code="BENCH", status=Exam.Status.MARKING)
        question = Question(exam=exam, code="Q", threshold=threshold)
        question.max_points = Decimal(str(wire["max_points"]))
        question.step = Decimal(str(wire["step"]))
        self.rules = Rules(question, MarkingPolicy(exam=exam, machine_final=True))

    def is_final(self, mark: dict[str, Any]) -> bool:
        """Whether the mark, as the inference service gives it, becomes final without a person."""
        points, flags = Decimal(str(mark["points"])), mark["flags"]
        before = State(None, "", Answer.Review.NONE, "", 0.0, 1)
        answer = Settling(1, 1, Answer.Status.SCORED, flags, before, leased=False)
        given = CountedMark(Mark.Source.MACHINE, None, points, mark["confidence"], flags)
        return decide(answer, self.rules, [given]).source == Mark.Source.MACHINE

    def asks(self, mark: dict[str, Any]) -> bool:
        """Whether a flag of the mark asks for a person, however sure the machine is."""
        return self.rules.suspects(mark["flags"])


def proposed(
    wire: dict[str, Any], pairs: Sequence[coverage.Pair], marks: Sequence[dict[str, Any]]
) -> float | None:
    """The threshold that the product proposes to a new exam.

    From out-of-fold pairs of the answers that were fitted to, without those whose mark has a flag
    that asks for a person.
    """
    desk = Desk(wire, None)
    able = [pair for pair, mark in zip(pairs, marks, strict=True) if not desk.asks(mark)]
    cut = coverage.threshold(able, TARGET, ALPHA)
    return cut.threshold if cut else None

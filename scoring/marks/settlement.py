"""From the marks that stand and the exam's policy: the final mark, and what people are still asked.

`settle` writes what follows; whoever adds a mark, changes a policy or a threshold calls it.
`decide` is the rule, and knows no database.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pmscoring.base.lifecycle import WrongState
from scoring.models import Answer, Exam, Lease, Mark, MarkingPolicy, Question, locks

MARKED_BY_PEOPLE = (Exam.Status.TRIAL, Exam.Status.MARKING)
"""States of an exam in which people are asked for marks."""
AT_ONCE, MANY = 2000, 10_000
Review, Reason = Answer.Review, Answer.Reason


class State(NamedTuple):
    """What settling decides of an answer, in the order in which it is written."""

    points: Decimal | None
    source: str
    review: str
    reason: str
    urgency: float
    readings: int


class Open(NamedTuple):
    """An answer as it stands; `leased`: it is in a marker's hands."""

    key: int
    question: int
    status: str
    flags: list[str]
    state: State
    leased: bool


class Given(NamedTuple):
    """A mark that stands; `marker` is None for the machine's."""

    source: str
    marker: int | None
    points: Decimal
    confidence: float | None


@dataclass(frozen=True)
class Rules:
    """What of a question and of its exam's policy decides."""

    question: Question
    policy: MarkingPolicy

    @property
    def asks_people(self) -> bool:
        """Whether answers are queued at all."""
        return self.question.exam.status in MARKED_BY_PEOPLE

    def is_current(self, calibration: str, definition: str) -> bool:
        """Whether a machine's mark is of the calibration and definition now in use."""
        return (calibration, definition) == (self.question.active_sha256, self.question.digest)

    def fits(self, points: Decimal) -> bool:
        """Whether the question as it now is could earn so many."""
        return points <= self.question.max_points and points % self.question.step == 0


@transaction.atomic
def settle(answers: Iterable[int]) -> None:
    """Bring final mark and review state of these answers up to their marks; keys are told.

    In the caller's transaction; five queries for every 2,000 answers. Answers of exams that are
    fixed stay as they are.
    """
    keys = sorted(set(answers), reverse=True)
    for start in range(0, len(keys), AT_ONCE):
        _settle(keys[start : start + AT_ONCE])


def settle_exam(exam: Exam) -> None:
    """The same for all of an exam, after its state or its policy changed."""
    found = Answer.objects.filter(question__exam=exam).order_by("-pk").values_list("pk", flat=True)
    keys = list(found)
    for start in range(0, len(keys), AT_ONCE):
        settle(keys[start : start + AT_ONCE])
    if len(keys) > MANY:
        # The planner must know at once that so many are queued, or it sorts them for every marker.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE scoring_answer")


def become(exam: Exam, state: str) -> None:
    """Move the exam on; what people are asked follows. Raises WrongState.

    It is not fixed while answers wait for a machine's mark that could change what is final.
    """
    _move(exam, state)
    settle_exam(exam)


@transaction.atomic
def _move(exam: Exam, state: str) -> None:
    # A threshold, a promotion, a mark or answers that are on their way share the exam: this waits
    # until they have committed and counts them, and those that come later find the exam moved on.
    exam.status = locks.lock_exam(exam.pk).status
    if (exam.status, state) == (Exam.Status.MARKING, Exam.Status.FIXED):
        _refuse_undecided(exam)
    exam.become(state)


def _refuse_undecided(exam: Exam) -> None:
    open_still = Answer.objects.filter(
        question__exam=exam, status__in=[Answer.Status.WAITING, Answer.Status.SCORING]
    )
    if count := open_still.exclude(final_source__in=Mark.PEOPLE).count():
        told = ngettext(
            "%(count)d answer of %(exam)s waits for the machine;"
            " the results can be fixed once it is marked, by the machine or by people.",
            "%(count)d answers of %(exam)s wait for the machine;"
            " the results can be fixed once they are marked, by the machine or by people.",
            count,
        )
        raise WrongState(told % {"count": count, "exam": exam.code})


def hold(exam: Exam, *states: str) -> None:
    """Share the exam, so that it stays in its state until this transaction ends; WrongState where
    that is none of `states`, which are by default those in which results may still change.
    """
    status = locks.share_exam(exam.pk)
    if status is None:
        raise WrongState(_("%s is deleted") % exam.code)
    if status not in (states or (Exam.Status.DRAFT, *MARKED_BY_PEOPLE)):
        raise WrongState(Exam(code=exam.code, status=status).state_message)


def _settle(keys: Sequence[int]) -> None:
    # Two who settle the same answer, each after a mark of their own: the second waits here until
    # the first has committed. Marks, policy and threshold are read afterwards by queries of their
    # own, and so include the first one's. Likewise for whoever changes a policy and settles.
    answers = _locked(keys)
    rules = _rules({answer.question for answer in answers})
    marks = _marks(answers, rules)
    told = [
        (answer.key, *state)
        for answer in answers
        if (state := decide(answer, rules[answer.question], marks[answer.key])) != answer.state
    ]
    if told:
        _write(told)


def _locked(keys: Sequence[int]) -> list[Open]:
    rows = locks.in_lock_order(Answer.objects.filter(pk__in=keys)).values_list(
        "pk",
        "question_id",
        "status",
        "flags",
        "final_points",
        "final_source",
        "review",
        "review_reason",
        "urgency",
        "readings",
    )
    answers = [(*row[:4], State(*row[4:])) for row in rows]
    # A query of its own: that of the lock would tell of leases as they were before it waited.
    leases = Lease.objects.filter(answer__in=keys, is_reference=False)
    leased = set(leases.values_list("answer_id", flat=True))
    return [Open(*answer, answer[0] in leased) for answer in answers]


def _rules(keys: Iterable[int]) -> dict[int, Rules]:
    """Of those questions whose results may still change."""
    questions = (
        Question.objects.filter(pk__in=set(keys))
        .select_related("exam__policy", "calibration")
        .defer("prompt", "passage", "calibration__metrics")
    )
    return {question.pk: Rules(question, MarkingPolicy.of(question.exam)) for question in questions}


def lease_end(exam: Exam) -> datetime:
    """When what is given into a marker's hands at this moment comes free by itself."""
    return now() + timedelta(minutes=MarkingPolicy.of(exam).lease_minutes)


def _marks(answers: Sequence[Open], rules: Mapping[int, Rules]) -> dict[int, list[Given]]:
    """The marks that stand and count, by answer, oldest first."""
    questions = {answer.key: answer.question for answer in answers}
    rows = (
        Mark.objects.filter(answer__in=list(questions))
        .standing()
        .exclude(source=Mark.Source.MACHINE, confidence__isnull=True)
        .order_by("pk")
        .values_list(
            "answer_id", "source", "marker_id", "points", "confidence", "calibration", "definition"
        )
    )
    found: dict[int, list[Given]] = defaultdict(list)
    for key, source, marker, points, confidence, calibration, definition in rows:
        mark, rule = Given(source, marker, points, confidence), rules[questions[key]]
        is_machine = mark.source == Mark.Source.MACHINE
        if rule.is_current(calibration, definition) if is_machine else rule.fits(mark.points):
            found[key].append(mark)
    return found


def machine_mark(answer: Answer) -> Mark | None:
    """The machine's mark in force; None where there is none yet."""
    return answer.marks.in_force(answer.question).order_by("-pk").first()


def decide(answer: Open, rules: Rules, marks: Sequence[Given]) -> State:
    """What follows for the answer from the marks that stand, oldest first."""
    if rules.question.exam.frozen:
        return answer.state
    by_source: dict[str, list[Given]] = defaultdict(list)
    for mark in marks:
        by_source[mark.source].append(mark)
    if last := by_source[Mark.Source.ADJUDICATOR][-1:]:
        settled = (last[0].points, Mark.Source.ADJUDICATOR.value, Review.ADJUDICATED.value)
        return State(*settled, answer.state.reason, 0.0, answer.state.readings)
    # Of a marker without an account nothing is known but the mark: each is another's.
    people = enumerate(by_source[Mark.Source.HUMAN], 1)
    given = list({one.marker or -number: one.points for number, one in people}.values())
    machine = next(iter(by_source[Mark.Source.MACHINE][-1:]), None)
    points, source = _final(rules, given, machine)
    review, reason, readings = _asked(answer, rules, len(given), points)
    urgency = 0.0
    if review == Review.QUEUED:
        urgency = _urgency(answer, reason, readings, machine)
        review = Review.CLAIMED if answer.leased else review
    return State(points, source, str(review), str(reason), urgency, readings)


def _final(
    rules: Rules, given: Sequence[Decimal], machine: Given | None
) -> tuple[Decimal | None, str]:
    policy, question = rules.policy, rules.question
    if given and len(given) >= policy.readings:
        third = policy.settling == MarkingPolicy.Settling.THIRD
        points = agreed(given, policy.tolerance, question.step, majority=third)
        return points, "" if points is None else Mark.Source.HUMAN.value
    if machine is None or not policy.machine_final or question.threshold is None:
        return None, ""
    if machine.confidence is None or machine.confidence < question.threshold:
        return None, ""
    return machine.points, Mark.Source.MACHINE.value


def agreed(
    given: Sequence[Decimal], tolerance: Decimal, step: Decimal, *, majority: bool
) -> Decimal | None:
    """The mean, rounded half up to the step, of marks no further apart than the tolerance.

    With `majority`, of three or more the largest part that lies so close is enough where it is
    more than half; of two such parts that share a mark the middle counts, which is the median.
    """
    points = sorted(given)
    near = [[one for one in points if low <= one <= low + tolerance] for low in points]
    most = max(map(len, near))
    if most < len(points) and not (majority and len(points) > 2 and most * 2 > len(points)):
        return None
    best = [part for part in near if len(part) == most]
    part = best[0] if len(set(map(tuple, best))) == 1 else [points[len(points) // 2]]
    mean = sum(part, Decimal(0)) / len(part)
    return (mean / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def _asked(answer: Open, rules: Rules, given: int, points: Decimal | None) -> tuple[str, str, int]:
    """Review state as if nobody had the answer in hand, its reason, and the readings asked for."""
    reason, policy = answer.state.reason, rules.policy
    again = reason in Answer.NEAR_PASS_LINE
    wanted = max(policy.readings, answer.state.readings) if again else policy.readings
    if given >= wanted:
        if points is not None:
            return Review.MARKED, reason, wanted
        third = policy.settling == MarkingPolicy.Settling.THIRD and given < 3
        if third and rules.asks_people:
            return Review.QUEUED, reason or Reason.UNCERTAIN, 3
        return Review.DISPUTED, reason, wanted
    if not rules.asks_people:
        return (Review.MARKED if given else Review.NONE), reason if again or given else "", wanted
    if given:
        return Review.QUEUED, reason or Reason.UNCERTAIN, wanted
    audited = points is not None and draw("audit", answer.key) < policy.audit_rate
    if again:
        return Review.QUEUED, Reason.BOTH if audited else Reason.PASS_LINE, wanted
    if audited:
        return Review.QUEUED, Reason.AUDIT, wanted
    if points is None and answer.status in (Answer.Status.SCORED, Answer.Status.FAILED):
        return Review.QUEUED, Reason.UNCERTAIN, wanted
    return Review.NONE, "", wanted


def _urgency(answer: Open, reason: str, readings: int, machine: Given | None) -> float:
    """How much its being marked helps, in [0, 1].

    Where nothing is known a draw decides, so that the first to be marked are a random sample.
    """
    once_more = readings > 2 or reason in Answer.NEAR_PASS_LINE
    if once_more or answer.status == Answer.Status.FAILED:
        return 1.0
    if "blank" in answer.flags:
        return 0.0
    if machine is None or machine.confidence is None or reason == Reason.AUDIT:
        return draw("urgency", answer.key)
    return 1 - machine.confidence


def draw(purpose: str, key: int) -> float:
    """A number in [0, 1) that looks random and is the same each time."""
    told = hashlib.sha256(f"{purpose} {key}".encode()).digest()
    return int.from_bytes(told[:7]) / 2**56


def _write(told: Sequence[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scoring_answer AS answer SET final_points = told.points,"
            " final_source = told.source, review = told.review, review_reason = told.reason,"
            " urgency = told.urgency, readings = told.readings"
            " FROM unnest(%s::bigint[], %s::numeric[], %s::text[], %s::text[], %s::text[],"
            " %s::float8[], %s::smallint[])"
            " AS told (key, points, source, review, reason, urgency, readings)"
            " WHERE answer.id = told.key",
            [list(column) for column in zip(*told, strict=True)],
        )

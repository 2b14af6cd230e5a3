"""The final mark and the review state of an answer, which follow from its marks and the policy.

`decide` is the rule, without a database. `settle` applies it and writes the outcome; everything
that adds a mark or changes a policy, a threshold or a calibration calls it afterwards.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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
CHUNK = 2000
"""Answers that are settled by one round of queries."""
ANALYZE_FROM = 10_000
"""Answers from which on settling a whole exam refreshes the planner's statistics."""
Review, Reason = Answer.Review, Answer.Reason


class State(NamedTuple):
    """What is decided about an answer, in the order of the columns that `_write` takes.

    `readings` is how many marks by people are asked for; `urgency`, in [0, 1], orders the queue.
    """

    points: Decimal | None
    source: str
    review: str
    reason: str
    urgency: float
    readings: int


class Settling(NamedTuple):
    """An answer before it is settled; `leased` tells whether a marker has it under a lease."""

    key: int
    question: int
    status: str
    flags: list[str]
    state: State
    leased: bool


class CountedMark(NamedTuple):
    """A mark that stands and counts; `marker` is None and `flags` may be some for the machine's."""

    source: str
    marker: int | None
    points: Decimal
    confidence: float | None
    flags: Sequence[str] = ()


@dataclass(frozen=True)
class Rules:
    """A question and its exam's policy, as far as they decide about its answers."""

    question: Question
    policy: MarkingPolicy

    @property
    def asks_people(self) -> bool:
        """Whether the exam is in a state in which answers are queued."""
        return self.question.exam.status in MARKED_BY_PEOPLE

    def is_current(self, calibration: str, definition: str) -> bool:
        """Whether these are the active calibration ("" for none) and the present definition."""
        return (calibration, definition) == (self.question.active_sha256, self.question.digest)

    def suspects(self, flags: Iterable[str]) -> bool:
        """Whether a flag, one that the exam does not call harmless, asks for a person's mark."""
        return not set(flags) <= set(self.policy.harmless_flags)

    def fits(self, points: Decimal) -> bool:
        """Whether the question, which may have changed since, can still be given so many points."""
        return points <= self.question.max_points and points % self.question.step == 0


@transaction.atomic
def settle(answers: Iterable[int]) -> None:
    """Bring the final mark and the review state of the answers with these keys up to date.

    Takes part in the caller's transaction, with five queries for every 2,000 answers. Answers of
    fixed exams are left unchanged.
    """
    keys = sorted(set(answers), reverse=True)
    for start in range(0, len(keys), CHUNK):
        _settle(keys[start : start + CHUNK])


def settle_exam(exam: Exam) -> None:
    """Settle all answers of the exam, after its state or its policy changed.

    Outside of a transaction each 2,000 answers are one of their own, so that markers wait briefly.
    A mark that is written meanwhile is seen here, or settles its answer under the new policy: both
    lock the answer first.
    """
    answers = Answer.objects.filter(question__exam=exam).order_by("-pk")
    keys = list(answers.values_list("pk", flat=True))
    for start in range(0, len(keys), CHUNK):
        settle(keys[start : start + CHUNK])
    if len(keys) > ANALYZE_FROM:
        # With statistics from before so many answers were queued, the planner would sort them all
        # each time a marker asks for the next one.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE scoring_answer")


def become(exam: Exam, state: str, guard: Callable[[Exam, str], None] | None = None) -> None:
    """Move the exam to another state and settle its answers accordingly.

    `guard` is called before it moves, in the same transaction and under the lock of the exam, and
    may refuse. Raises WrongState where the exam's lifecycle does not allow it, and when an exam is
    to be fixed while answers wait for a machine's mark that could still change their final mark.
    """
    _move(exam, state, guard)
    settle_exam(exam)


@transaction.atomic
def _move(exam: Exam, state: str, guard: Callable[[Exam, str], None] | None) -> None:
    # Fixing an exam races with whatever still changes its results: a mark, a threshold, a
    # promotion, an upload. Each of these shares the exam until it commits (`hold`), so this waits
    # for those that are under way and counts what they wrote; those that come later wait for this
    # transaction and then find the exam in its new state.
    exam.status = locks.lock_exam(exam.pk).status
    refuse_move(exam, state)
    if guard is not None:
        guard(exam, state)
    exam.become(state)


def refuse_move(exam: Exam, state: str) -> None:
    """Raise WrongState where the exam, as it was read, cannot become `state` now."""
    exam.refuse(state)
    if (exam.status, state) == (Exam.Status.MARKING, Exam.Status.FIXED):
        _refuse_undecided(exam)


def _refuse_undecided(exam: Exam) -> None:
    unscored = Answer.objects.filter(
        question__exam=exam, status__in=[Answer.Status.WAITING, Answer.Status.SCORING]
    )
    if count := unscored.exclude(final_source__in=Mark.PEOPLE).count():
        message = ngettext(
            "%(count)d answer of %(exam)s waits for the machine;"
            " the results can be fixed once it is marked, by the machine or by people.",
            "%(count)d answers of %(exam)s wait for the machine;"
            " the results can be fixed once they are marked, by the machine or by people.",
            count,
        )
        raise WrongState(message % {"count": count, "exam": exam.code})


def hold(exam: Exam, *states: str) -> None:
    """Keep the exam in its present state until the transaction ends, sharing it with other writers.

    Raises WrongState unless that is one of `states`; by default those in which results may change.
    """
    status = locks.share_exam(exam.pk)
    if status is None:
        raise WrongState(_("%s is deleted") % exam.code)
    if status not in (states or (Exam.Status.DRAFT, *MARKED_BY_PEOPLE)):
        raise WrongState(Exam(code=exam.code, status=status).state_message)


def _settle(keys: Sequence[int]) -> None:
    # Two transactions settle the same answer, each after writing a mark of its own, or one of them
    # after changing the policy or the threshold: if each read without the other's change, the
    # later UPDATE would undo the earlier. The second waits here until the first has committed, and
    # reads marks, policy and threshold afterwards by queries of their own, so it sees both changes.
    answers = _locked(keys)
    rules = _rules({answer.question for answer in answers})
    marks = _marks(answers, rules)
    changed = [
        (answer.key, *state)
        for answer in answers
        if (state := decide(answer, rules[answer.question], marks[answer.key])) != answer.state
    ]
    if changed:
        _write(changed)


def _locked(keys: Sequence[int]) -> list[Settling]:
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
    # A query of its own: one that locks shows joined rows as they were before it had to wait, and a
    # lease may have been given or closed meanwhile.
    leases = Lease.objects.filter(answer__in=keys, is_reference=False)
    leased = set(leases.values_list("answer_id", flat=True))
    return [Settling(*answer, answer[0] in leased) for answer in answers]


def _rules(keys: Iterable[int]) -> dict[int, Rules]:
    """The rules of each of these questions, by its key."""
    questions = (
        Question.objects.filter(pk__in=set(keys))
        .select_related("exam__policy", "calibration")
        .defer("prompt", "passage", "calibration__metrics")
    )
    return {question.pk: Rules(question, MarkingPolicy.of(question.exam)) for question in questions}


def lease_end(exam: Exam) -> datetime:
    """When a lease that begins now runs out under the exam's policy."""
    return now() + timedelta(minutes=MarkingPolicy.of(exam).lease_minutes)


def _marks(answers: Sequence[Settling], rules: Mapping[int, Rules]) -> dict[int, list[CountedMark]]:
    """The marks that stand and count, by the answer's key, oldest first."""
    questions = {answer.key: answer.question for answer in answers}
    rows = (
        Mark.objects.filter(answer__in=list(questions))
        .standing()
        .exclude(source=Mark.Source.MACHINE, confidence__isnull=True)
        .order_by("pk")
        .values_list(
            *("answer_id", "calibration", "definition"),
            *("source", "marker_id", "points", "confidence", "flags"),
        )
    )
    marks: dict[int, list[CountedMark]] = defaultdict(list)
    for key, calibration, definition, *columns in rows:
        mark, rule = CountedMark(*columns), rules[questions[key]]
        is_machine = mark.source == Mark.Source.MACHINE
        if rule.is_current(calibration, definition) if is_machine else rule.fits(mark.points):
            marks[key].append(mark)
    return marks


def machine_mark(answer: Answer) -> Mark | None:
    """The machine's newest mark in force; None where there is none yet."""
    return answer.marks.in_force(answer.question).order_by("-pk").first()


def decide(answer: Settling, rules: Rules, marks: Sequence[CountedMark]) -> State:
    """The state that follows for the answer from its marks, which are sorted oldest first."""
    if rules.question.exam.frozen:
        return answer.state
    by_source: dict[str, list[CountedMark]] = defaultdict(list)
    for mark in marks:
        by_source[mark.source].append(mark)
    if last := by_source[Mark.Source.ADJUDICATOR][-1:]:
        settled = (last[0].points, Mark.Source.ADJUDICATOR.value, Review.ADJUDICATED.value)
        return State(*settled, answer.state.reason, 0.0, answer.state.readings)
    # Of each marker the latest mark counts. Imported marks may have no account as their marker:
    # each of them counts as another marker's.
    people = enumerate(by_source[Mark.Source.HUMAN], 1)
    readings = list({mark.marker or -number: mark.points for number, mark in people}.values())
    machine = next(iter(by_source[Mark.Source.MACHINE][-1:]), None)
    # The answer's flags are those of its newest mark, which may be of another calibration than the
    # mark in force; either is a reason to ask a person.
    flagged = rules.suspects({*answer.flags, *(machine.flags if machine else ())})
    points, source = _final(rules, readings, None if flagged else machine)
    review, reason, wanted = _review(answer, rules, len(readings), points, flagged)
    urgency = 0.0
    if review == Review.QUEUED:
        urgency = _urgency(answer, reason, wanted, machine)
        review = Review.CLAIMED if answer.leased else review
    return State(points, source, str(review), str(reason), urgency, wanted)


def _final(
    rules: Rules, readings: Sequence[Decimal], machine: CountedMark | None
) -> tuple[Decimal | None, str]:
    """The final points and their source; None and "" where there are none yet."""
    policy, question = rules.policy, rules.question
    if readings and len(readings) >= policy.readings:
        third = policy.settling == MarkingPolicy.Settling.THIRD
        points = agreed(readings, policy.tolerance, question.step, majority=third)
        return points, "" if points is None else Mark.Source.HUMAN.value
    if machine is None or not policy.machine_final or question.threshold is None:
        return None, ""
    if machine.confidence is None or machine.confidence < question.threshold:
        return None, ""
    return machine.points, Mark.Source.MACHINE.value


def agreed(
    readings: Sequence[Decimal], tolerance: Decimal, step: Decimal, *, majority: bool
) -> Decimal | None:
    """The mean, rounded half up to the step, of readings no further apart than the tolerance.

    None where they lie further apart. With `majority`, more than half of three or more readings
    suffice if they lie so close together. Where two such majorities overlap, the median counts.
    """
    points = sorted(readings)
    clusters = [[near for near in points if low <= near <= low + tolerance] for low in points]
    most = max(map(len, clusters))
    if most < len(points) and not (majority and len(points) > 2 and most * 2 > len(points)):
        return None
    largest = {tuple(cluster) for cluster in clusters if len(cluster) == most}
    cluster = largest.pop() if len(largest) == 1 else (points[len(points) // 2],)
    mean = sum(cluster, Decimal(0)) / len(cluster)
    return (mean / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def _review(
    answer: Settling, rules: Rules, marked: int, points: Decimal | None, flagged: bool
) -> tuple[str, str, int]:
    """Review state as if nobody had a lease, its reason, and how many readings are asked for.

    `marked` is how many markers have marked the answer, `points` its final points; `flagged` tells
    whether a flag keeps the machine's mark a suggestion.
    """
    reason, policy = answer.state.reason, rules.policy
    again = reason in Answer.NEAR_PASS_LINE
    wanted = max(policy.readings, answer.state.readings) if again else policy.readings
    if marked >= wanted:
        if points is not None:
            return Review.MARKED, reason, wanted
        third = policy.settling == MarkingPolicy.Settling.THIRD and marked < 3
        if third and rules.asks_people:
            return Review.QUEUED, reason or Reason.UNCERTAIN, 3
        return Review.DISPUTED, reason, wanted
    if not rules.asks_people:
        reason = reason if again or marked else ""
        return Review.MARKED if marked else Review.NONE, reason, wanted
    if marked:
        return Review.QUEUED, reason or Reason.UNCERTAIN, wanted
    audited = points is not None and draw("audit", answer.key) < policy.audit_rate
    if again:
        return Review.QUEUED, Reason.BOTH if audited else Reason.PASS_LINE, wanted
    if audited:
        return Review.QUEUED, Reason.AUDIT, wanted
    if points is None and answer.status in (Answer.Status.SCORED, Answer.Status.FAILED):
        is_scored = answer.status == Answer.Status.SCORED
        reason = Reason.FLAGGED if flagged and is_scored else Reason.UNCERTAIN
        return Review.QUEUED, reason, wanted
    return Review.NONE, "", wanted


def _urgency(answer: Settling, reason: str, wanted: int, machine: CountedMark | None) -> float:
    """How much a mark of this answer helps, in [0, 1]: the less sure the machine is, the more.

    A flagged answer comes first, however sure the machine is of it. Without a confidence it is
    drawn, so that the answers marked first are a random sample, flagged or not; so are audits,
    whose order must not depend on the confidence either.
    """
    once_more = wanted > 2 or reason in Answer.NEAR_PASS_LINE
    if once_more or answer.status == Answer.Status.FAILED:
        return 1.0
    if reason == Reason.FLAGGED and machine is not None:
        return 1.0
    if "blank" in answer.flags:
        return 0.0
    if machine is None or machine.confidence is None or reason == Reason.AUDIT:
        return draw("urgency", answer.key)
    return 1 - machine.confidence


def draw(purpose: str, key: int) -> float:
    """A number in [0, 1), distributed evenly over the keys and the same each time."""
    digest = hashlib.sha256(f"{purpose} {key}".encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56


def _write(rows: Sequence[tuple[object, ...]]) -> None:
    """Write the rows, each a key and a State, by one UPDATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scoring_answer AS answer SET final_points = settled.points,"
            " final_source = settled.source, review = settled.review,"
            " review_reason = settled.reason, urgency = settled.urgency,"
            " readings = settled.readings"
            " FROM unnest(%s::bigint[], %s::numeric[], %s::text[], %s::text[], %s::text[],"
            " %s::float8[], %s::smallint[])"
            " AS settled (key, points, source, review, reason, urgency, readings)"
            " WHERE answer.id = settled.key",
            [list(column) for column in zip(*rows, strict=True)],
        )

"""How far the marking by people is, as the bar above an answer shows it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Count, Q
from django.utils.timezone import localtime
from redis.exceptions import RedisError

from scoring.marks.settlement import Review
from scoring.models import Answer, Exam, Mark, Question, ReferenceMark
from scoring.models.people import questions_to_mark
from scoring.review import references

OPEN = (Review.QUEUED, Review.CLAIMED)


@dataclass(frozen=True)
class Progress:
    """Counts of an exam's (or a question's) answers, as far as one marker can work on them.

    `done`: answers that people settled, and those this marker has marked, which others are still to
    mark; `left`: answers that this marker can still mark, including those under a lease;
    `adjudicated`, `disputed`: answers that were adjudicated, and those that wait for it and which
    this marker has not marked; `mine` and `mine_today`: this marker's marks that stand.
    """

    done: int
    left: int
    adjudicated: int
    disputed: int
    mine: int
    mine_today: int


def marking_progress(
    exam: Exam, marker: User, question: Question | None = None, seconds_old: float = 0.0
) -> Progress:
    """How far the marking of the marker's part of the exam, or of one question, is.

    The counts of answers may come from a cache, `seconds_old` at most; the marker's own never do.
    """
    own_part = questions_to_mark(marker).filter(exam=exam).order_by("pk")
    questions = [question.pk] if question else list(own_part.values_list("pk", flat=True))
    counts = _recent_counts(questions, seconds_old) if seconds_old else _counts(questions)
    midnight = localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    own = Mark.objects.filter(answer__question__in=questions, answer__counts=True)
    own = own.filter(marker=marker).by_people().standing()
    # Marks of hidden reference answers are counted too: a marker could tell such an answer from the
    # others if their count did not change.
    hidden = ReferenceMark.objects.filter(
        reference__answer__question__in=questions,
        reference__answer__counts=True,
        marker=marker,
        purpose=references.WATCH,
    )
    totals = {"all": Count("pk"), "today": Count("pk", filter=Q(created_at__gte=midnight))}
    marks, of_hidden = own.aggregate(**totals), hidden.aggregate(**totals)
    marked = marked_already(questions, marker)
    own_open = sum(count for (_question, review), count in marked.items() if review in OPEN)
    own_disputed = sum(marked.values()) - own_open
    settled = counts.get(Review.MARKED, 0) + counts.get(Review.ADJUDICATED, 0)
    waiting = sum(counts.get(state, 0) for state in OPEN)
    # The counts may be older than the marker's own: none may fall below zero.
    return Progress(
        done=settled + own_open,
        left=max(waiting - own_open, 0),
        adjudicated=counts.get(Review.ADJUDICATED, 0),
        disputed=max(counts.get(Review.DISPUTED, 0) - own_disputed, 0),
        mine=marks["all"] + of_hidden["all"],
        mine_today=marks["today"] + of_hidden["today"],
    )


def marked_already(questions: Sequence[int], marker: User) -> Counter[tuple[int, str]]:
    """By question and review state, the unsettled answers that this marker has marked.

    Others are still to mark or to adjudicate them; this marker can do neither.
    """
    own = Mark.objects.filter(
        answer__question__in=questions,
        answer__review__in=(*OPEN, Review.DISPUTED),
    )
    keys = own.given_by(marker).standing().order_by()
    rows = keys.values_list("answer__question", "answer__review")
    counted = rows.annotate(Count("answer", distinct=True))
    return Counter({(question, review): count for question, review, count in counted})


def _counts(questions: Sequence[int]) -> dict[str, int]:
    """How many answers are in each review state."""
    rows = Answer.objects.filter(~Q(review=Review.NONE), question__in=questions).order_by()
    return dict(rows.values_list("review").annotate(Count("pk")))


def _recent_counts(questions: Sequence[int], seconds: float) -> dict[str, int]:
    """The same, at most so many seconds old: every mark asks, and 100,000 rows take 40 ms."""
    name = "review-counts:" + ",".join(map(str, questions))
    try:
        return cache.get_or_set(name, lambda: _counts(questions), seconds) or {}
    except RedisError:
        return _counts(questions)

"""Answers that say the same, found, shown and marked together.

A group is blank, equal after folding, or nearly equal: within a distance of its representative by
the encoder. What folding tells apart by length (too short, too long) never comes into one group.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from redis.exceptions import RedisError

from scoring.agreement import audit_sample
from scoring.inference import Inference
from scoring.marks import giving, settlement
from scoring.marks.settlement import MARKED_BY_PEOPLE, Review
from scoring.models import Answer, AnswerGroup, Exam, Mark, Question, locks
from scoring.review import references
from scoring.review.queue import free_of

DISTANCE = 0.02
LONGEST, MOST_TEXTS = 400, 20_000
"""Characters of a text, and texts, that are compared by the encoder; the others if equal only."""
SILENCE_SECONDS = 300
LENGTHS = frozenset({"too_short", "too_long"})
Say = Callable[[float], None]


@dataclass
class Same:
    """Open answers of one text key; `text` is that of the first."""

    text: str
    lengths: frozenset[str]
    keys: list[int]


@dataclass
class Found:
    """A group to be: the first of `keys` represents it."""

    kind: str
    distance: float
    keys: list[int]


def regroup(
    question: Question,
    inference: Inference,
    distance: float = DISTANCE,
    say: Say = lambda _fraction: None,
) -> int:
    """Find anew the groups among the answers that people are still asked to mark; how many.

    A group that is in a marker's hands stays, with its answers. `say` is told how far it is, in
    [0, 1]. Raises InferenceError, and then changes nothing.
    """
    same = _same(question)
    found = [Found(AnswerGroup.Kind.BLANK, 0.0, one.keys) for one in same if not one.text.strip()]
    written = [one for one in same if one.text.strip()]
    parts = sorted({one.lengths for one in written}, key=len)
    for done, lengths in enumerate(parts):
        part = [one for one in written if one.lengths == lengths]
        found += _near(part, inference, distance, _within(say, done, len(parts)))
    return _store(question, found)


def _within(say: Say, done: int, parts: int) -> Say:
    """Tells of the whole what is told of one part."""
    return lambda fraction: say((done + fraction) / parts)


def _same(question: Question) -> list[Same]:
    """The open answers by text key, oldest first."""
    rows = (
        Answer.objects.filter(question=question, review=Review.QUEUED)
        .order_by("pk")
        .values_list("pk", "text", "text_key", "flags")
    )
    found: dict[str, Same] = {}
    for key, text, text_key, flags in rows.iterator(2000):
        one = found.setdefault(text_key, Same(text, LENGTHS.intersection(flags), []))
        one.keys.append(key)
    return list(found.values())


def _near(
    several: Collection[Same], inference: Inference, distance: float, say: Say
) -> list[Found]:
    """Texts that lie near to each other as one group, the others as one each."""
    named = {str(one.keys[0]): one for one in several}
    short = [name for name, one in named.items() if len(one.text) <= LONGEST]
    sent = sorted(short, key=lambda name: -len(named[name].keys))[:MOST_TEXTS]
    texts = [(name, named[name].text) for name in sent]
    found = []
    for names, distances in inference.groups(texts, distance, say) if len(texts) > 1 else []:
        keys = [key for name in names for key in named.pop(name).keys]
        found.append(Found(AnswerGroup.Kind.NEAR, max(distances), keys))
    return found + [Found(AnswerGroup.Kind.SAME, 0.0, one.keys) for one in named.values()]


@transaction.atomic
def _store(question: Question, found: Collection[Found]) -> int:
    # Of two searches the second waits here for the first one's groups, and replaces them.
    locks.lock_question(question.pk)
    found = _without(found, _kept(question, [key for one in found for key in one.keys]))
    groups = AnswerGroup.objects.bulk_create(
        AnswerGroup(
            question=question,
            kind=one.kind,
            distance=one.distance,
            representative_id=one.keys[0],
            size=len(one.keys),
        )
        for one in found
    )
    places = [(key, group.pk) for group, one in zip(groups, found, strict=True) for key in one.keys]
    _join(places)
    return len(groups)


def _kept(question: Question, joining: Collection[int]) -> set[int]:
    """The answers of the groups that are in someone's hands; the question's others are deleted.

    All answers that leave a group by that, or are `joining` one, are locked first.
    """
    old = AnswerGroup.objects.filter(question=question)
    members = Answer.objects.filter(answer_group__in=old)
    locks.lock_answers(Answer.objects.filter(Q(answer_group__in=old) | Q(pk__in=joining)))
    # A group that a marker takes at this moment: the marker's UPDATE comes first, and the group is
    # no longer idle; or it comes second and finds no group.
    AnswerGroup.objects.filter(pk__in=locks.lock_groups(old.idle())).delete()
    return set(members.values_list("pk", flat=True))


def _without(found: Collection[Found], kept: Collection[int]) -> list[Found]:
    """The groups beside these answers; what was near to one of them is not near to the next."""
    near = AnswerGroup.Kind.NEAR
    led = (one for one in found if one.kind != near or one.keys[0] not in kept)
    left = (replace(one, keys=[key for key in one.keys if key not in kept]) for one in led)
    return [one for one in left if len(one.keys) > 1]


def _join(places: Collection[tuple[int, int]]) -> None:
    """Answers to groups, by pairs of keys."""
    if not places:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scoring_answer AS answer SET answer_group_id = told.place"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS told (key, place)"
            " WHERE answer.id = told.key",
            [list(column) for column in zip(*places, strict=True)],
        )


def groups(question: Question, marker: Any) -> list[AnswerGroup]:
    """Those with two members or more that the marker may mark now, what they have in hand first,
    then the largest.

    Each has `open_count`, how many that are. Raises NotQualified or Suspended.
    """
    references.require(question.exam, marker)
    open_now = _open(Answer.objects.filter(question=question), marker)
    counts: dict[int, int] = dict(
        open_now.exclude(answer_group=None)
        .order_by()
        .values_list("answer_group")
        .annotate(Count("pk"))
    )
    found = AnswerGroup.objects.filter(pk__in=[key for key, count in counts.items() if count > 1])
    for group in (rows := list(found.select_related("representative", "question__exam"))):
        group.open_count = counts[group.pk]
    return sorted(rows, key=lambda group: (group.held_by_id != marker.pk, -group.open_count))


def take(group: AnswerGroup, marker: Any) -> bool:
    """Into the marker's hands for as long as a lease lasts; False where another has it.

    Of two markers who take it at once the second's UPDATE waits, and then finds it taken.
    """
    free = AnswerGroup.objects.filter(pk=group.pk).free_for(marker)
    until = settlement.lease_end(group.question.exam)
    return bool(free.update(held_by=marker, held_until=until))


def give_back(group: AnswerGroup, marker: Any) -> None:
    """Out of the marker's hands, if it was in them."""
    rows = AnswerGroup.objects.filter(pk=group.pk, held_by=marker)
    rows.update(held_by=None, held_until=None)


def members(group: AnswerGroup, marker: Any) -> list[Answer]:
    """The group's answers that the marker may mark now, the representative first."""
    return members_of([group], marker)[group.pk]


def members_of(several: Collection[AnswerGroup], marker: Any) -> dict[int, list[Answer]]:
    """The same of several groups, by their keys."""
    leads = {group.representative_id for group in several}
    rows = _open(Answer.objects.filter(answer_group__in=several), marker).order_by("pk")
    found: dict[int, list[Answer]] = {group.pk: [] for group in several}
    for answer in sorted(rows, key=lambda answer: answer.pk not in leads):
        found[answer.answer_group_id or 0].append(answer)
    return found


def _open(answers: "QuerySet[Answer]", marker: Any) -> "QuerySet[Answer]":
    return free_of(answers.filter(review=Review.QUEUED), marker)


@transaction.atomic
def mark_group(
    group: AnswerGroup, marker: Any, told: dict[str, Any], without: Collection[int] = ()
) -> list[Mark]:
    """One judgement for every member that is still open to the marker, each its own Mark.

    The answers of `without` leave the group first. [] where others were faster, or have it in
    hand. Raises Invalid, NotQualified, Suspended, WrongState.
    """
    question = group.question
    judgement = giving.read(question, told)
    settlement.hold(question.exam, *MARKED_BY_PEOPLE)
    references.require(question.exam, marker)
    if AnswerGroup.objects.in_hands_of_others(marker).filter(pk=group.pk).exists():
        return []
    keys = set(locks.lock_answers(Answer.objects.filter(answer_group=group)))
    Answer.objects.filter(pk__in=keys.intersection(without)).update(answer_group=None)
    # Asked again now that they are locked: another marker may have marked some of them meanwhile.
    remaining = Answer.objects.filter(pk__in=keys.difference(without))
    answers = _open(remaining, marker).select_related("question")
    marks = Mark.objects.bulk_create(
        Mark(**giving.row(answer, marker, judgement, from_group=group.pk))
        for answer in answers.order_by("pk")
    )
    audit_sample.observe(marks)
    settlement.settle(mark.answer_id for mark in marks)
    give_back(group, marker)
    return marks


def saved(question: Question) -> float:
    """The share of marks by people that groups spared them giving, in [0, 1]."""
    return _saved(Q(answer__question=question))


def saved_in(exam: Exam) -> float:
    """The same of a whole exam."""
    return _saved(Q(answer__question__exam=exam))


def _saved(where: Q) -> float:
    marks = Mark.objects.filter(where, source=Mark.Source.HUMAN).standing().order_by()
    whole = marks.count()
    grouped = list(
        marks.exclude(from_group=None).values_list("from_group", "marker").annotate(Count("pk"))
    )
    spared = sum(count - 1 for _, _, count in grouped)
    return spared / whole if whole else 0.0


def progress(question: Question) -> float | None:
    """How far the search for groups is, in [0, 1]; None where none runs, or the cache is away."""
    found: float | None = None
    with suppress(RedisError):
        found = cache.get(_progress_key(question))
    return found


def tell_progress(question: Question, fraction: float | None) -> None:
    """What `progress` answers from now on, unless the work falls silent or the cache is away."""
    with suppress(RedisError):
        if fraction is None:
            cache.delete(_progress_key(question))
        else:
            cache.set(_progress_key(question), fraction, SILENCE_SECONDS)


def _progress_key(question: Question) -> str:
    return f"regrouping:{question.pk}"

"""Groups of answers that say the same: found by a worker, marked together by a marker.

The answers of a group are blank, equal after folding, or nearly equal: within a cosine distance of
the group's representative by the encoder. Answers that are too short, too long and within the
question's limits are never in one group.

A marker takes a group for as long as a lease lasts (`AnswerGroup.held_by`, `held_until`). Where
requests can race, the comments say how; the order of locks is that of scoring.models.locks.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from redis.exceptions import RedisError

from pmscoring.base.lengths import size
from pmscoring.base.texts import is_blank
from scoring.agreement import audit_sample
from scoring.inference import Inference
from scoring.marks import giving, settlement
from scoring.marks.settlement import MARKED_BY_PEOPLE, Review
from scoring.models import Answer, AnswerGroup, Mark, Question, locks
from scoring.review import references
from scoring.review.assignments import require_assigned
from scoring.review.queue import open_to

DISTANCE = 0.02
"""The default cosine distance within which texts are nearly equal."""
LONGEST, MOST_TEXTS = 400, 20_000
"""Limits of what the encoder compares: code points of a text, also as folded, and texts. Answers
beyond them are grouped only where they are equal after folding."""
SILENCE_SECONDS = 300
"""A search that has not reported for so long is taken to have ended."""
LENGTHS = frozenset({"too_short", "too_long"})
Say = Callable[[float], None]
"""Reports progress as a fraction in [0, 1]."""


@dataclass
class SameText:
    """Queued answers with one text key, by their keys; `text` is that of the first.

    `lengths` are the flags that say whether it is too short or too long.
    """

    text: str
    lengths: frozenset[str]
    keys: list[int]


@dataclass
class NewGroup:
    """A group that is not stored yet, of the answers with these keys; the first represents it."""

    kind: str
    distance: float
    keys: list[int]


def regroup(
    question: Question,
    inference: Inference,
    distance: float = DISTANCE,
    say: Say = lambda _fraction: None,
) -> int:
    """Replace the question's groups by new ones of the queued answers; returns how many.

    A group that a marker has taken stays, with its answers. `distance` is the largest cosine
    distance to a group's representative. Raises InferenceError, and then changes nothing.
    """
    texts = _same_texts(question)
    blank = [same for same in texts if is_blank(same.text)]
    written = [same for same in texts if not is_blank(same.text)]
    groups = [NewGroup(AnswerGroup.Kind.BLANK, 0.0, same.keys) for same in blank]
    parts = sorted({same.lengths for same in written}, key=len)
    for done, lengths in enumerate(parts):
        part = [same for same in written if same.lengths == lengths]
        groups += _near(part, inference, distance, _say_part(say, done, len(parts)))
    return _store(question, groups)


def _say_part(say: Say, done: int, parts: int) -> Say:
    """Reports the progress of one part as progress of the whole."""
    return lambda fraction: say((done + fraction) / parts)


def _same_texts(question: Question) -> list[SameText]:
    """The question's queued answers by text key, the oldest first."""
    rows = (
        Answer.objects.filter(question=question, review=Review.QUEUED)
        .order_by("pk")
        .values_list("pk", "text", "text_key", "flags")
    )
    same_texts: dict[str, SameText] = {}
    for key, text, text_key, flags in rows.iterator(2000):
        same = same_texts.setdefault(text_key, SameText(text, LENGTHS.intersection(flags), []))
        same.keys.append(key)
    return list(same_texts.values())


def _near(
    same_texts: Collection[SameText], inference: Inference, distance: float, say: Say
) -> list[NewGroup]:
    """Groups of texts that lie near to each other, and one group for each of the other texts."""
    named = {str(same.keys[0]): same for same in same_texts}
    short = [name for name, same in named.items() if size(same.text, LONGEST) <= LONGEST]
    sent = sorted(short, key=lambda name: -len(named[name].keys))[:MOST_TEXTS]
    texts = [(name, named[name].text) for name in sent]
    groups = []
    for names, distances in inference.groups(texts, distance, say) if len(texts) > 1 else []:
        keys = [key for name in names for key in named.pop(name).keys]
        groups.append(NewGroup(AnswerGroup.Kind.NEAR, max(distances), keys))
    return groups + [NewGroup(AnswerGroup.Kind.SAME, 0.0, same.keys) for same in named.values()]


@transaction.atomic
def _store(question: Question, groups: Collection[NewGroup]) -> int:
    """Put the groups in the place of the question's old ones; returns how many there are."""
    # Two searches for the groups of one question may end at once. The second waits here until the
    # first has committed its groups, and then replaces them.
    locks.lock_question(question.pk)
    joining = [key for group in groups for key in group.keys]
    groups = _without(groups, _delete_idle(question, joining))
    rows = AnswerGroup.objects.bulk_create(
        AnswerGroup(
            question=question,
            kind=group.kind,
            distance=group.distance,
            representative_id=group.keys[0],
            size=len(group.keys),
        )
        for group in groups
    )
    _join([(key, row.pk) for row, group in zip(rows, groups, strict=True) for key in group.keys])
    return len(rows)


def _delete_idle(question: Question, joining: Collection[int]) -> set[int]:
    """Delete the question's groups that no marker has taken; returns the answers of the others.

    The answers in the old groups and those `joining` a new one are locked first. All are keys.
    """
    old = AnswerGroup.objects.filter(question=question)
    members = Answer.objects.filter(answer_group__in=old)
    locks.lock_answers(Answer.objects.filter(Q(answer_group__in=old) | Q(pk__in=joining)))
    # A marker may take one of the groups at this moment, by an UPDATE (`take`). If that comes
    # first, the lock waits for it and the group is no longer idle: it stays. If it comes second, it
    # finds no such group, and the marker is given none. Marks of a group that is being marked at
    # this moment are waited for with the lock on its answers.
    AnswerGroup.objects.filter(pk__in=locks.lock_groups(old.idle())).delete()
    return set(members.values_list("pk", flat=True))


def _without(groups: Collection[NewGroup], grouped: Collection[int]) -> list[NewGroup]:
    """The groups without answers that stay in an old group, if two members or more are left.

    A group of near texts is dropped with its representative: that its other members are near to it
    does not mean that they are near to each other.
    """
    near = AnswerGroup.Kind.NEAR
    led = (group for group in groups if group.kind != near or group.keys[0] not in grouped)
    rest = (replace(group, keys=[key for key in group.keys if key not in grouped]) for group in led)
    return [group for group in rest if len(group.keys) > 1]


def _join(memberships: Collection[tuple[int, int]]) -> None:
    """Write which answer is in which group, from pairs of their keys, by one UPDATE."""
    if not memberships:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scoring_answer AS answer SET answer_group_id = member.answer_group"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS member (answer, answer_group)"
            " WHERE answer.id = member.answer",
            [list(column) for column in zip(*memberships, strict=True)],
        )


def open_groups(question: Question, marker: User) -> list[AnswerGroup]:
    """The groups of which the marker may mark two answers or more now.

    Those that the marker has taken come first, then the largest. Each has `open_count`, how many of
    its answers the marker may mark. Raises NotAssigned, NotQualified or Suspended.
    """
    require_assigned(question, marker)
    references.require_qualified(question.exam, marker)
    answers = _open_answers(Answer.objects.filter(question=question), marker)
    counts: dict[int, int] = dict(
        answers.exclude(answer_group=None)
        .order_by()
        .values_list("answer_group")
        .annotate(Count("pk"))
    )
    rows = AnswerGroup.objects.filter(pk__in=[key for key, count in counts.items() if count > 1])
    groups = list(rows.select_related("representative", "question__exam"))
    for group in groups:
        group.open_count = counts[group.pk]
    return sorted(groups, key=lambda group: (group.held_by_id != marker.pk, -group.open_count))


def take(group: AnswerGroup, marker: User) -> bool:
    """Let the marker have the group for as long as a lease lasts; False where another has it."""
    free = AnswerGroup.objects.filter(pk=group.pk).free_for(marker)
    until = settlement.lease_end(group.question.exam)
    # Two markers may take it at once. The second's UPDATE waits for the first one's, looks at the
    # row again, and finds that it is not free.
    return bool(free.update(held_by=marker, held_until=until))


def give_back(group: AnswerGroup, marker: User) -> None:
    """Let others take the group, if the marker has it."""
    rows = AnswerGroup.objects.filter(pk=group.pk, held_by=marker)
    rows.update(held_by=None, held_until=None)


def members(group: AnswerGroup, marker: User) -> list[Answer]:
    """The group's answers that the marker may mark now, the representative first."""
    return members_of([group], marker)[group.pk]


def members_of(groups: Collection[AnswerGroup], marker: User) -> dict[int, list[Answer]]:
    """The same for several groups, by the groups' keys."""
    representatives = {group.representative_id for group in groups}
    rows = _open_answers(Answer.objects.filter(answer_group__in=groups), marker).order_by("pk")
    members: dict[int, list[Answer]] = {group.pk: [] for group in groups}
    for answer in sorted(rows, key=lambda answer: answer.pk not in representatives):
        members[answer.answer_group_id or 0].append(answer)
    return members


def _open_answers(answers: "QuerySet[Answer]", marker: User) -> "QuerySet[Answer]":
    return open_to(answers.filter(review=Review.QUEUED), marker)


@transaction.atomic
def mark_group(
    group: AnswerGroup, marker: User, payload: dict[str, Any], without: Collection[int] = ()
) -> list[Mark]:
    """Give every answer of the group that is open to the marker a mark of its own, all alike.

    `payload` is as in `giving.give`; answers whose keys are in `without` leave the group first. The
    list is empty where other markers have marked the answers already or one has taken the group.
    Raises Invalid, NotAssigned, NotQualified, Suspended or WrongState.
    """
    question = group.question
    require_assigned(question, marker)
    judgement = giving.read_judgement(question, payload)
    settlement.hold(question.exam, *MARKED_BY_PEOPLE)
    references.require_qualified(question.exam, marker)
    if AnswerGroup.objects.in_hands_of_others(marker).filter(pk=group.pk).exists():
        return []
    keys = set(locks.lock_answers(Answer.objects.filter(answer_group=group)))
    Answer.objects.filter(pk__in=keys.intersection(without)).update(answer_group=None)
    # Another marker may have marked some of the answers, or have been leased them, before the lock:
    # which of them are open is read now that they are locked.
    remaining = Answer.objects.filter(pk__in=keys.difference(without))
    answers = _open_answers(remaining, marker).select_related("question")
    marks = Mark.objects.bulk_create(
        Mark(**giving.mark_columns(answer, marker, judgement, from_group=group.pk))
        for answer in answers.order_by("pk")
    )
    audit_sample.observe(marks)
    settlement.settle(mark.answer_id for mark in marks)
    give_back(group, marker)
    return marks


def share_saved(question: Question) -> float:
    """The share of people's marks that they did not give one by one, thanks to groups, in [0, 1].

    A group of n answers that is marked as one saves n - 1 marks.
    """
    marks = Mark.objects.filter(answer__question=question, answer__counts=True)
    marks = marks.filter(source=Mark.Source.HUMAN).standing().order_by()
    total = marks.count()
    grouped = list(
        marks.exclude(from_group=None).values_list("from_group", "marker").annotate(Count("pk"))
    )
    saved = sum(count - 1 for _, _, count in grouped)
    return saved / total if total else 0.0


def progress(question: Question) -> float | None:
    """How far the search for groups is, in [0, 1].

    None where no search runs or the cache cannot be reached.
    """
    fraction: float | None = None
    with suppress(RedisError):
        fraction = cache.get(_progress_key(question))
    return fraction


def set_progress(question: Question, fraction: float | None) -> None:
    """Let `progress` return the fraction for the next five minutes, or None at once.

    Does nothing where the cache cannot be reached.
    """
    with suppress(RedisError):
        if fraction is None:
            cache.delete(_progress_key(question))
        else:
            cache.set(_progress_key(question), fraction, SILENCE_SECONDS)


def _progress_key(question: Question) -> str:
    return f"regrouping:{question.pk}"

"""Reference answers (目揃え): answers with a known mark, which qualify markers and show drift.

A marker qualifies by a round of reference answers whose known mark they are shown afterwards. Later
some are hidden among the answers that they mark, indistinguishable from the others.
"""

import random
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import ADJUDICATOR, MANAGER, has_role
from scoring.marks import giving, settlement
from scoring.models import (
    Answer,
    Exam,
    Lease,
    Mark,
    MarkingPolicy,
    Question,
    Reference,
    ReferenceMark,
    Standing,
    locks,
)
from scoring.models.people import questions_to_mark

QUALIFYING, WATCH = ReferenceMark.Purpose.QUALIFYING, ReferenceMark.Purpose.WATCH
WITHDRAWN = ReferenceMark.Purpose.WITHDRAWN
WINDOW = 20
"""How many of the latest marks of reference answers decide whether a marker drifts."""


class NotQualified(Exception):
    """The marker must mark the exam's reference answers well enough before others."""


class Suspended(NotQualified):
    """The marker agrees with the reference answers less than the exam's bound.

    A manager can begin a new round of qualifying.
    """


@transaction.atomic
def declare(
    answer: Answer,
    user: User,
    payload: dict[str, Any] | None = None,
    explanation: str = "",
    qualifies: bool = True,
    watches: bool = True,
) -> Reference:
    """Make the answer a reference answer, or change what it is used for.

    Its known mark is the final mark that people gave it, or that of `payload` (as in
    `giving.give`), which is written as an adjudicator's. `qualifies`: it is part of rounds of
    qualifying; `watches`: it is hidden among the others. Raises Invalid, or WrongState where people
    have not settled the answer and there is no payload, or the exam is fixed.
    """
    settlement.hold(answer.question.exam)
    # A mark may settle the answer at this moment: `_settling_mark` reads once it has committed.
    answer = locks.lock_answer(answer.pk)
    if payload is not None:
        judgement = giving.read_judgement(answer.question, payload)
        mark = giving.add(answer, user, judgement, source=Mark.Source.ADJUDICATOR)
        settlement.settle([answer.pk])
    else:
        mark = _settling_mark(answer)
    reference, _created = Reference.objects.update_or_create(
        answer=answer,
        defaults={
            "points": mark.points,
            "criteria": mark.criteria,
            "explanation": explanation,
            "qualifies": qualifies,
            "watches": watches,
        },
    )
    return reference


def _settling_mark(answer: Answer) -> Mark:
    """The latest mark with the final points; where they are a mean, one that is not stored.

    Raises WrongState where people have not settled the answer.
    """
    if answer.final_points is None or answer.final_source not in Mark.PEOPLE:
        raise WrongState(_("people have not settled the mark of %s") % answer)
    marks = answer.marks.filter(source=answer.final_source).standing()
    for mark in marks.order_by("-pk"):
        if mark.points == answer.final_points:
            return mark
    return Mark(points=answer.final_points, criteria=[])


def retire(reference: Reference) -> None:
    """Use the reference answer no more; the marks that markers gave it are kept."""
    Reference.objects.filter(pk=reference.pk).update(qualifies=False, watches=False)


def in_use(exam: Exam) -> "models.QuerySet[Reference]":
    """The exam's reference answers that are not retired."""
    used = models.Q(qualifies=True) | models.Q(watches=True)
    return Reference.objects.filter(used, answer__question__exam=exam, answer__counts=True)


def standing(exam: Exam, marker: User) -> Standing | None:
    """The marker's standing, created where there is none yet.

    None for users who need not qualify: managers and adjudicators, and everybody where the exam
    sets no bound.
    """
    if MarkingPolicy.of(exam).marker_bound is None or has_role(marker, MANAGER, ADJUDICATOR):
        return None
    # Two requests of a new marker may both find no standing: the unique constraint lets one INSERT
    # through, and get_or_create reads its row for the other.
    return Standing.objects.get_or_create(exam=exam, marker=marker)[0]


def may_mark(exam: Exam, marker: User) -> bool:
    """False for a marker who must qualify first; raises Suspended."""
    current = standing(exam, marker)
    if current is None:
        return True
    _refuse_suspended(current)
    return current.status == Standing.Status.QUALIFIED


def require_qualified(exam: Exam, marker: User) -> None:
    """Raise NotQualified or Suspended where the marker may not mark now."""
    if not may_mark(exam, marker):
        raise NotQualified(_("mark the reference answers of %s first") % exam.code)


def _refuse_suspended(current: Standing) -> None:
    if current.status == Standing.Status.SUSPENDED:
        message = _(
            "agreement with the reference answers is %(share)d %%; an exam manager can begin a"
            " new round"
        )
        raise Suspended(message % {"share": round(100 * (current.agreement or 0))})


def is_qualifying(lease: Lease) -> bool:
    """Whether the lease belongs to a round of qualifying, rather than to a hidden reference answer.

    Callers may tell the marker this, but never `is_reference`, which would give hidden ones away.
    """
    if not lease.is_reference:
        return False
    current = standing(lease.answer.question.exam, lease.marker)
    return current is not None and current.status == Standing.Status.QUALIFYING


def left_to_qualify(exam: Exam, marker: User) -> int:
    """How many reference answers the marker has still to mark in the present round."""
    current = standing(exam, marker)
    if current is None or current.status != Standing.Status.QUALIFYING:
        return 0
    return _to_qualify(current).count()


def _to_qualify(current: Standing) -> "models.QuerySet[Reference]":
    """The reference answers that are left of the round of qualifying."""
    marked = ReferenceMark.objects.filter(
        marker=current.marker_id, purpose=QUALIFYING, round=current.round
    )
    of_round = Reference.objects.filter(
        answer__question__in=questions_to_mark(current.marker),
        answer__question__exam=current.exam_id,
        answer__counts=True,
        qualifies=True,
    )
    return of_round.exclude(pk__in=marked.values("reference")).order_by("pk")


def hand_out(exam: Exam, marker: User, question: Question | None = None) -> Lease | None:
    """Lease a reference answer where it is the marker's turn for one; else None.

    That is always while they qualify, and afterwards at random, at the policy's rate. Needs a
    transaction with the marker locked: otherwise two requests of one marker would each lease one.
    Raises Suspended, or NotQualified where there is nothing to qualify by.
    """
    current = standing(exam, marker)
    if current and current.status != Standing.Status.QUALIFIED:
        _refuse_suspended(current)
        reference = _to_qualify(current).first()
        if reference is None:
            raise NotQualified(_("no reference answers are chosen yet for %s") % exam.code)
        return _leased(reference, exam, marker)
    rate = MarkingPolicy.of(exam).reference_rate
    if random.random() >= rate:  # noqa: S311  # which answers are references must not be guessed
        return None
    candidates = _to_watch(exam, marker, current.round if current else 1, question)
    # Markers were shown the known mark of those that they marked to qualify: these come last.
    known = ReferenceMark.objects.filter(
        marker=marker, purpose=QUALIFYING, reference=models.OuterRef("pk")
    )
    hidden = candidates.order_by(models.Exists(known), "?").first()
    return _leased(hidden, exam, marker) if hidden else None


def hand_out_again(answer: Answer, marker: User) -> Lease | None:
    """Lease this reference answer again, whose lease ran out; None where that is not possible.

    Needs a transaction with the marker locked, as `hand_out` does.
    """
    exam = answer.question.exam
    current = standing(exam, marker)
    if current and current.status == Standing.Status.SUSPENDED:
        return None
    if current and current.status == Standing.Status.QUALIFYING:
        candidates = _to_qualify(current)
    else:
        candidates = _to_watch(exam, marker, current.round if current else 1, None)
    reference = candidates.filter(answer=answer).first()
    return _leased(reference, exam, marker) if reference else None


def _to_watch(
    exam: Exam, marker: User, this_round: int, question: Question | None
) -> "models.QuerySet[Reference]":
    """Reference answers that can be hidden among this marker's others.

    Not those that they marked hidden in this round, nor those that they marked before the answer
    became a reference.
    """
    marked = ReferenceMark.objects.filter(marker=marker, purpose=WATCH, round=this_round)
    own = Mark.objects.filter(answer=models.OuterRef("answer"), marker=marker)
    hidden = Reference.objects.filter(
        answer__question__in=questions_to_mark(marker),
        answer__question__exam=exam,
        answer__counts=True,
        watches=True,
    )
    if question is not None:
        hidden = hidden.filter(answer__question=question)
    return hidden.exclude(pk__in=marked.values("reference")).exclude(models.Exists(own))


def _leased(reference: Reference, exam: Exam, marker: User) -> Lease:
    return Lease.objects.update_or_create(
        answer=reference.answer,
        marker=marker,
        defaults={
            "is_reference": True,
            "created_at": now(),
            "expires_at": settlement.lease_end(exam),
        },
    )[0]


def submit(lease: Lease, payload: dict[str, Any]) -> ReferenceMark:
    """Write the marker's mark of the leased reference answer, and their standing that follows.

    `payload` is as in `giving.give`. Closes the lease. Raises Invalid or Suspended.
    """
    exam = lease.answer.question.exam
    reference = Reference.objects.get(answer=lease.answer_id)
    judgement = giving.read_judgement(lease.answer.question, payload)
    current = standing(exam, lease.marker)
    if current:
        # A manager may begin a new round at this moment. The standing is read again once it is
        # locked, so the mark counts for the round that it is written in.
        current = locks.lock_standing(current)
        _refuse_suspended(current)
    qualifying = current is not None and current.status == Standing.Status.QUALIFYING
    distance = abs(float(judgement.points) - float(reference.points))
    mark = ReferenceMark.objects.create(
        pk=_next_key(),
        reference=reference,
        marker=lease.marker,
        purpose=QUALIFYING if qualifying else WATCH,
        round=current.round if current else 1,
        points=judgement.points,
        criteria=judgement.criteria,
        comment=judgement.comment,
        agrees=distance <= float(MarkingPolicy.of(exam).tolerance),
    )
    lease.delete()
    if current:
        _update_standing(current, MarkingPolicy.of(exam))
    return mark


def _next_key() -> int:
    """A key from the sequence of Mark: one from another would give a hidden reference away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('scoring_mark', 'id'))")
        return int(cursor.fetchone()[0])


def withdraw(mark: ReferenceMark) -> Lease:
    """Withdraw a mark of a hidden reference answer, and lease the answer to its marker again.

    For the standing the marker's first mark still counts. Raises WrongState for a mark of a round
    of qualifying, whose known mark the marker has been shown, and for one withdrawn already;
    NotQualified or Suspended, since a withdrawal must not undo a suspension.
    """
    if mark.purpose == QUALIFYING:
        raise WrongState(_("a mark given to qualify cannot be withdrawn"))
    exam = mark.reference.answer.question.exam
    require_qualified(exam, mark.marker)
    # Two withdrawals at once: the second UPDATE waits for the first, and then finds no such mark.
    if not ReferenceMark.objects.filter(pk=mark.pk, purpose=WATCH).update(purpose=WITHDRAWN):
        raise WrongState(_("this mark was withdrawn already or cannot be withdrawn"))
    return _leased(mark.reference, exam, mark.marker)


def _update_standing(current: Standing, policy: MarkingPolicy) -> None:
    """Write the status that follows from the first mark of each reference answer in this round.

    A later mark, after an undo, does not count: otherwise the marker could try until it agrees.
    """
    marks = _of_round(current).order_by("pk").values_list("reference", "agrees")
    first: dict[int, bool] = {}
    for reference, mark_agrees in marks:
        first.setdefault(reference, mark_agrees)
    agrees = list(first.values())
    if current.status == Standing.Status.QUALIFYING:
        if _to_qualify(current).exists():
            return
    else:
        agrees = agrees[-WINDOW:]
    current.agreement = sum(agrees) / len(agrees)
    keeps_bound = policy.marker_bound is None or current.agreement >= policy.marker_bound
    status = Standing.Status.QUALIFIED if keeps_bound else Standing.Status.SUSPENDED
    if status != current.status:
        current.status, current.changed_at = status, now()
    current.save()


def _of_round(current: Standing) -> "models.QuerySet[ReferenceMark]":
    return ReferenceMark.objects.filter(
        marker=current.marker_id,
        reference__answer__question__exam=current.exam_id,
        round=current.round,
    )


def shown_agreement(current: Standing) -> float | None:
    """The agreement that the marker may know: as of their qualification or suspension, in [0, 1].

    In between it changes with every mark of a hidden reference answer. Shown, it would tell which
    answers these are, and whether the marker's mark agreed.
    """
    if current.status != Standing.Status.QUALIFIED:
        return current.agreement
    agrees = _of_round(current).filter(purpose=QUALIFYING).values_list("agrees", flat=True)
    return sum(agrees) / len(agrees) if agrees else None


@transaction.atomic
def begin_round(exam: Exam, marker: User) -> Standing:
    """Begin a new round of qualifying for the marker and give their leases back."""
    # The marker may ask for the next answer at this moment, and would be left with a lease from
    # before the round. This waits until that request has committed, and gives its lease back.
    locks.lock_marker(marker)
    give_back_leases(exam, marker)
    current, created = locks.lock_or_create(Standing.objects.all(), exam=exam, marker=marker)
    if not created:
        current.status, current.round = Standing.Status.QUALIFYING, current.round + 1
        current.agreement, current.changed_at = None, now()
        current.save()
    return current


def give_back_leases(exam: Exam, marker: User) -> None:
    """Give all leases of the marker in the exam back. Needs a transaction."""
    own = Lease.objects.filter(answer__question__exam=exam, marker=marker)
    leases = locks.lock_leases(own)
    Lease.objects.filter(pk__in=[lease.pk for lease in leases]).delete()
    settlement.settle(lease.answer_id for lease in leases)

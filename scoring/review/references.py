"""Reference answers (目揃え): known marks that qualify markers, and watch them for drift."""

import random
from typing import Any

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

QUALIFYING, WATCH = ReferenceMark.Purpose.QUALIFYING, ReferenceMark.Purpose.WATCH
WITHDRAWN = ReferenceMark.Purpose.WITHDRAWN
WINDOW = 20
"""So many of the latest marks of references tell whether a marker drifts."""


class NotQualified(Exception):
    """The marker has not yet marked the reference answers well enough."""


class Suspended(NotQualified):
    """The marker fell below the exam's bound; a manager begins a new round of qualifying."""


@transaction.atomic
def declare(
    answer: Answer,
    user: Any,
    told: dict[str, Any] | None = None,
    explanation: str = "",
    qualifies: bool = True,
    watches: bool = True,
) -> Reference:
    """Make the answer a reference: by its final mark of people, or by `told`, which adjudicates it.

    Raises Invalid, or WrongState where there is neither, or the exam is fixed.
    """
    settlement.hold(answer.question.exam)
    # What people settle at this moment is waited for, and `_known` sees it.
    answer = locks.lock_answer(answer.pk)
    if told is not None:
        judgement = giving.read(answer.question, told)
        mark = giving.add(answer, user, judgement, source=Mark.Source.ADJUDICATOR)
        settlement.settle([answer.pk])
    else:
        mark = _known(answer)
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


def _known(answer: Answer) -> Mark:
    """The mark that settled it."""
    if answer.final_points is None or answer.final_source not in Mark.PEOPLE:
        raise WrongState(_("%s: people have not settled its mark") % answer)
    marks = answer.marks.filter(source=answer.final_source).standing()
    for mark in marks.order_by("-pk"):
        if mark.points == answer.final_points:
            return mark
    return Mark(points=answer.final_points, criteria=[])


def retire(reference: Reference) -> None:
    """It is asked no more; the marks given to it stay."""
    Reference.objects.filter(pk=reference.pk).update(qualifies=False, watches=False)


def of_exam(exam: Exam) -> "models.QuerySet[Reference]":
    """Those that are asked."""
    asked = models.Q(qualifies=True) | models.Q(watches=True)
    return Reference.objects.filter(asked, answer__question__exam=exam)


def standing(exam: Exam, marker: Any) -> Standing | None:
    """The marker's, begun where there was none; None where none is asked of them."""
    if MarkingPolicy.of(exam).marker_bound is None or has_role(marker, MANAGER, ADJUDICATOR):
        return None
    return Standing.objects.get_or_create(exam=exam, marker=marker)[0]


def may_mark(exam: Exam, marker: Any) -> bool:
    """False for a marker who is to qualify first; raises Suspended."""
    found = standing(exam, marker)
    if found is None:
        return True
    _refuse_suspended(found)
    return found.status == Standing.Status.QUALIFIED


def require(exam: Exam, marker: Any) -> None:
    """Raise NotQualified or Suspended where the marker may not mark now."""
    if not may_mark(exam, marker):
        raise NotQualified(_("mark the reference answers of %s first") % exam.code)


def _refuse_suspended(found: Standing) -> None:
    if found.status == Standing.Status.SUSPENDED:
        told = _(
            "agreement with the reference answers is %(share)d %%; an exam manager can begin a"
            " new round"
        )
        raise Suspended(told % {"share": round(100 * (found.agreement or 0))})


def is_qualifying(lease: Lease) -> bool:
    """Whether it is of a round of qualifying; a hidden reference must not be told from others."""
    if not lease.is_reference:
        return False
    found = standing(lease.answer.question.exam, lease.marker)
    return found is not None and found.status == Standing.Status.QUALIFYING


def left_to_qualify(exam: Exam, marker: Any) -> int:
    """Reference answers that the marker has still to mark in the present round."""
    found = standing(exam, marker)
    if found is None or found.status != Standing.Status.QUALIFYING:
        return 0
    return _to_qualify(found).count()


def _to_qualify(found: Standing) -> "models.QuerySet[Reference]":
    marked = ReferenceMark.objects.filter(
        marker=found.marker_id, purpose=QUALIFYING, round=found.round
    )
    asked = Reference.objects.filter(answer__question__exam=found.exam_id, qualifies=True)
    return asked.exclude(pk__in=marked.values("reference")).order_by("pk")


def hand_out(exam: Exam, marker: Any, question: Question | None = None) -> Lease | None:
    """A reference answer where it is this marker's turn for one: to qualify, or now and then.

    Needs a transaction. Raises Suspended, or NotQualified where there is nothing to qualify by.
    """
    found = standing(exam, marker)
    if found and found.status != Standing.Status.QUALIFIED:
        _refuse_suspended(found)
        reference = _to_qualify(found).first()
        if reference is None:
            raise NotQualified(_("no reference answers are chosen yet for %s") % exam.code)
        return _leased(reference, exam, marker)
    rate = MarkingPolicy.of(exam).reference_rate
    if random.random() >= rate:  # noqa: S311  # which answers are references must not be guessed
        return None
    asked = _to_watch(exam, marker, found.round if found else 1, question)
    # Of what they marked to qualify they were shown the mark: that comes last.
    known = ReferenceMark.objects.filter(
        marker=marker, purpose=QUALIFYING, reference=models.OuterRef("pk")
    )
    hidden = asked.order_by(models.Exists(known), "?").first()
    return _leased(hidden, exam, marker) if hidden else None


def hand_out_again(answer: Answer, marker: Any) -> Lease | None:
    """The same of this answer alone, whose lease ran out; a hidden one without a draw."""
    exam = answer.question.exam
    found = standing(exam, marker)
    if found and found.status == Standing.Status.SUSPENDED:
        return None
    if found and found.status == Standing.Status.QUALIFYING:
        asked = _to_qualify(found)
    else:
        asked = _to_watch(exam, marker, found.round if found else 1, None)
    reference = asked.filter(answer=answer).first()
    return _leased(reference, exam, marker) if reference else None


def _to_watch(
    exam: Exam, marker: Any, this_round: int, question: Question | None
) -> "models.QuerySet[Reference]":
    """Those that the marker has not met among the others in this round, nor marked unhidden."""
    met = ReferenceMark.objects.filter(marker=marker, purpose=WATCH, round=this_round)
    own = Mark.objects.filter(answer=models.OuterRef("answer"), marker=marker)
    asked = Reference.objects.filter(answer__question__exam=exam, watches=True)
    if question is not None:
        asked = asked.filter(answer__question=question)
    return asked.exclude(pk__in=met.values("reference")).exclude(models.Exists(own))


def _leased(reference: Reference, exam: Exam, marker: Any) -> Lease:
    return Lease.objects.update_or_create(
        answer=reference.answer,
        marker=marker,
        defaults={
            "is_reference": True,
            "created_at": now(),
            "expires_at": settlement.lease_end(exam),
        },
    )[0]


def take(lease: Lease, told: dict[str, Any], seconds: int | None = None) -> ReferenceMark:
    """The marker's mark of the reference answer in hand, and what follows for their standing.

    Raises Invalid, or Suspended.
    """
    exam = lease.answer.question.exam
    reference = Reference.objects.get(answer=lease.answer_id)
    judgement = giving.read(lease.answer.question, told)
    found = standing(exam, lease.marker)
    if found:
        # A new round that a manager begins at this moment: the mark counts for the round that has
        # begun once it is taken.
        found = locks.lock_standing(found)
        _refuse_suspended(found)
    qualifying = found is not None and found.status == Standing.Status.QUALIFYING
    apart = abs(judgement.points - float(reference.points))
    given = ReferenceMark.objects.create(
        pk=_next_key(),
        reference=reference,
        marker=lease.marker,
        purpose=QUALIFYING if qualifying else WATCH,
        round=found.round if found else 1,
        points=judgement.points,
        criteria=judgement.criteria,
        comment=judgement.comment,
        agrees=apart <= float(MarkingPolicy.of(exam).tolerance),
    )
    lease.delete()
    if found:
        _judge(found, MarkingPolicy.of(exam))
    return given


def _next_key() -> int:
    """From the marks' own sequence: a key must not tell a hidden reference from another answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('scoring_mark', 'id'))")
        return int(cursor.fetchone()[0])


def withdraw(given: ReferenceMark) -> Lease:
    """Undo one that was hidden: the answer is in hand again, and its first judgement still tells.

    Raises WrongState for one of a round of qualifying, after which the known mark was shown, and
    for one withdrawn already; NotQualified or Suspended, or undoing would undo what followed.
    """
    if given.purpose == QUALIFYING:
        raise WrongState(_("a mark given to qualify stands"))
    exam = given.reference.answer.question.exam
    require(exam, given.marker)
    if not ReferenceMark.objects.filter(pk=given.pk, purpose=WATCH).update(purpose=WITHDRAWN):
        raise WrongState(_("this mark was withdrawn already, or cannot be"))
    return _leased(given.reference, exam, given.marker)


def _judge(found: Standing, policy: MarkingPolicy) -> None:
    """Qualified or suspended by this round's first judgements of references.

    A later one, after an undoing, does not tell: the marker could try until the standing keeps.
    """
    marks = _of_round(found).order_by("pk").values_list("reference", "agrees")
    first: dict[int, bool] = {}
    for reference, agrees_there in marks:
        first.setdefault(reference, agrees_there)
    agrees = list(first.values())
    if found.status == Standing.Status.QUALIFYING:
        if _to_qualify(found).exists():
            return
    else:
        agrees = agrees[-WINDOW:]
    found.agreement = sum(agrees) / len(agrees)
    keeps = policy.marker_bound is None or found.agreement >= policy.marker_bound
    status = Standing.Status.QUALIFIED if keeps else Standing.Status.SUSPENDED
    if status != found.status:
        found.status, found.changed_at = status, now()
    found.save()


def _of_round(found: Standing) -> "models.QuerySet[ReferenceMark]":
    return ReferenceMark.objects.filter(
        marker=found.marker_id, reference__answer__question__exam=found.exam_id, round=found.round
    )


def shown_agreement(found: Standing) -> float | None:
    """What the marker may know of it: how it was when they qualified, or were suspended.

    As it moves between, it would tell each hidden reference, and whether its mark agreed.
    """
    if found.status != Standing.Status.QUALIFIED:
        return found.agreement
    agrees = _of_round(found).filter(purpose=QUALIFYING).values_list("agrees", flat=True)
    return sum(agrees) / len(agrees) if agrees else None


@transaction.atomic
def begin_round(exam: Exam, marker: Any) -> Standing:
    """A new round of qualifying, as for someone suspended; what they have in hand goes back."""
    # A request of theirs that is under way ends first, or it would leave them a lease.
    locks.lock_marker(marker)
    empty_hands(exam, marker)
    found, created = locks.lock_or_create(Standing.objects.all(), exam=exam, marker=marker)
    if not created:
        found.status, found.round = Standing.Status.QUALIFYING, found.round + 1
        found.agreement, found.changed_at = None, now()
        found.save()
    return found


def empty_hands(exam: Exam, marker: Any) -> None:
    """What the marker has in hand goes back. Needs a transaction."""
    own = Lease.objects.filter(answer__question__exam=exam, marker=marker)
    leases = locks.lock_leases(own)
    Lease.objects.filter(pk__in=[lease.pk for lease in leases]).delete()
    settlement.settle(lease.answer_id for lease in leases)

"""The queue that people mark from: leases, marks, undoing them, and adjudication of disputes.

An answer in the queue is handed to one marker at a time, under a lease that runs out by itself.
Where requests can race, the comments say how; the order of locks is that of scoring.models.locks.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import ADJUDICATOR, MANAGER, has_role
from scoring.marks import giving, settlement, visibility
from scoring.marks.settlement import MARKED_BY_PEOPLE, Review
from scoring.models import (
    Answer,
    AnswerGroup,
    Exam,
    Lease,
    Mark,
    Question,
    ReferenceMark,
    locks,
)
from scoring.models.people import in_part
from scoring.review import assignments, references

RE_MARKERS = (ADJUDICATOR, MANAGER)
"""Who may mark an answer that they have not claimed, a settled one too; docs/review.md says so."""
HumanMark = Mark | ReferenceMark
"""What a marker gave an answer, a ReferenceMark where that is a reference answer. Both kinds take
their keys from one sequence, so a key does not tell which it is."""


class LeaseLost(WrongState):
    """The marker has no live lease on the answer."""


@dataclass(frozen=True)
class Undone:
    """What `undo` withdrew.

    `mark` is the last one where a group was marked as one; `answers` are the keys of all answers
    that lost a mark, `group` is their group. `lease` is on the one answer that is leased again.
    """

    mark: HumanMark
    answers: list[int]
    lease: Lease | None = None
    group: AnswerGroup | None = None


def next_answer(
    exam: Exam, marker: User, question: Question | None = None, without: Collection[int] = ()
) -> Lease | None:
    """Lease the next answer to the marker: the one they have already, else the most urgent.

    None where no answer is left. `without` are keys of answers that the marker skipped. A marker
    who must qualify first is leased the reference answers of their round; these leases and those of
    hidden reference answers have `is_reference`, and `references.is_qualifying` tells them apart.
    Raises NotAssigned, NotQualified where there is nothing to qualify by, Suspended, or WrongState
    where the exam is neither in trial nor in marking.
    """
    release_expired(exam)
    if question is not None:
        assignments.require_assigned(question, marker)
    while True:
        with transaction.atomic():
            _lock_for_leasing(exam, marker)
            lease, gave_back = _current_lease(exam, marker, question, without)
            if lease or not gave_back:
                return lease or _lease_next(exam, marker, question, without)
        # Answers that were given back stay locked until the commit. Waiting for another answer
        # while holding them could deadlock with a transaction that settles both, so the search
        # starts again in a transaction that holds none.


def _lease_next(
    exam: Exam, marker: User, question: Question | None, without: Collection[int]
) -> Lease | None:
    """Lease a reference answer where it is the marker's turn for one, else the most urgent."""
    if lease := references.hand_out(exam, marker, question):
        return lease
    # Two markers ask at once and would be given the same answer. Each locks the first answer that
    # no other transaction holds, so neither waits for the other and they get different ones.
    answer = _most_urgent(exam, marker, question, without)
    if answer is None:
        return None
    Answer.objects.filter(pk=answer.pk).update(review=Review.CLAIMED)
    return _lease(answer, exam, marker)


def next_dispute(exam: Exam, adjudicator: User, without: Collection[int] = ()) -> Lease | None:
    """Lease the next dispute to the adjudicator: the one they have already, else the oldest.

    It is never one that they marked themselves. None where there is none; raises WrongState as
    `next_answer` does.
    """
    release_expired(exam)
    leased = Lease.objects.filter(answer=OuterRef("pk"))
    disputed = Answer.objects.filter(~Exists(leased), question__exam=exam, review=Review.DISPUTED)
    while True:
        with transaction.atomic():
            _lock_for_leasing(exam, adjudicator)
            own = _leases(exam, adjudicator).filter(answer__review=Review.DISPUTED)
            if lease := own.exclude(answer__in=without).first():
                return _renewed(lease, exam)
            open_disputes = open_to(disputed.order_by("pk"), adjudicator, without)
            answer = locks.lock_first_free(open_disputes)
            if answer is None:
                return None
            # Two adjudicators ask when one dispute is left. The second waits for the lock on it,
            # with a query that still shows the leases from before the first one's commit; so the
            # leases are read again.
            if not Lease.objects.filter(answer=answer).exists():
                return _lease(answer, exam, adjudicator)
        # The other adjudicator got it: search again, without the lock on it.


def _lock_for_leasing(exam: Exam, marker: User) -> None:
    # The exam cannot be fixed meanwhile. Two requests of one marker, as of two open tabs, would
    # lease two answers: the second waits here, and then finds the lease that the first was given.
    settlement.hold(exam, *MARKED_BY_PEOPLE)
    locks.lock_marker(marker)


def _leases(exam: Exam, marker: User) -> "QuerySet[Lease]":
    return Lease.objects.live().filter(answer__question__exam=exam, marker=marker).order_by("pk")


def _current_lease(
    exam: Exam, marker: User, question: Question | None, without: Collection[int]
) -> tuple[Lease | None, bool]:
    """The lease that the marker already has, renewed, and whether other leases were given back.

    Given back are answers to another question, skipped ones, and, by a marker who must qualify
    first, whatever is not a reference answer. Raises Suspended.
    """
    may_mark = references.may_mark(exam, marker)
    current, others = None, []
    for lease in _leases(exam, marker).exclude(answer__review=Review.DISPUTED, is_reference=False):
        fits = may_mark and (question is None or lease.answer.question_id == question.pk)
        if (fits or lease.is_reference) and lease.answer_id not in without:
            current = _renewed(lease, exam)
            break
        others.append(lease)
    _give_back(others)
    return current, bool(others)


def _most_urgent(
    exam: Exam, marker: User, question: Question | None, without: Collection[int]
) -> Answer | None:
    """The most urgent answer that is open to the marker, locked.

    Over several questions their most urgent answers are compared first: each comes from an index,
    where one query over all questions would sort all their answers.
    """
    queued = Answer.objects.filter(review=Review.QUEUED)
    open_answers = open_to(queued, marker, without).order_by("-urgency", "pk")
    if question is not None:
        return locks.lock_first_free(open_answers.filter(question=question))
    heads = [
        open_answers.filter(question=key).values_list("urgency", "pk", "question")[:1]
        for key in assignments.assigned(exam, marker)
    ]
    rows = heads[0].union(*heads[1:], all=True) if heads else []
    for *_rank, key in sorted(rows, key=lambda row: (-row[0], row[1])):
        if answer := locks.lock_first_free(open_answers.filter(question=key)):
            return answer
    return None


def open_to(
    answers: "QuerySet[Answer]", marker: User, without: Collection[int] = ()
) -> "QuerySet[Answer]":
    """The answers that this marker has not marked and that no other marker has in a group.

    `without` are keys to leave out.
    """
    own = Mark.objects.filter(answer=OuterRef("pk")).given_by(marker).standing()
    # NOT EXISTS would become a join that is planned as if the marker had given hardly any marks.
    rows = answers.alias(own=Subquery(own.values("pk")[:1])).filter(own=None)
    rows = rows.exclude(answer_group__in=AnswerGroup.objects.in_hands_of_others(marker))
    return rows.exclude(pk__in=without) if without else rows


def _lease(answer: Answer, exam: Exam, marker: User) -> Lease:
    until = settlement.lease_end(exam)
    return Lease.objects.create(answer=answer, marker=marker, expires_at=until)


def _renewed(lease: Lease, exam: Exam) -> Lease:
    lease.expires_at = settlement.lease_end(exam)
    lease.save(update_fields=["expires_at"])
    return lease


def _live_lease(answer: Answer, marker: User) -> Lease:
    """The marker's live lease, locked; raises LeaseLost."""
    live = Lease.objects.live().filter(answer=answer, marker=marker)
    # A mark that is sent twice at once: the second request waits here, and then finds the lease
    # gone. A lease that runs out during a submit: `release_expired` skips it while it is locked, so
    # the answer is not handed to another marker before the mark is written.
    leases = locks.lock_leases(live.select_related("answer__question__exam"))
    if not leases:
        raise LeaseLost(_("%s is no longer in your hands") % answer)
    return leases[0]


def _give_back(leases: Collection[Lease]) -> None:
    Lease.objects.filter(pk__in=[lease.pk for lease in leases]).delete()
    settlement.settle(lease.answer_id for lease in leases if not lease.is_reference)


@transaction.atomic
def renew(answer: Answer, marker: User) -> Lease:
    """Let the marker's lease last its whole time again from now on; raises LeaseLost."""
    lease = _live_lease(answer, marker)
    return _renewed(lease, lease.answer.question.exam)


def lease_again(answer: Answer, marker: User) -> Lease:
    """Lease an answer whose lease ran out to the same marker again.

    Raises LeaseLost where the answer is no longer queued or another marker has it, and otherwise
    what `next_answer` raises.
    """
    exam = answer.question.exam
    release_expired(exam)
    with transaction.atomic():
        _lock_for_leasing(exam, marker)
        if lease := references.hand_out_again(answer, marker):
            return lease
        rows = Answer.objects.filter(pk=answer.pk)
        # Another marker may be handed the answer at this moment. It is read once it is locked, when
        # that transaction has ended.
        locks.lock_answers(rows)
        if not open_to(rows.filter(review=Review.QUEUED), marker).exists():
            raise LeaseLost(_("%s is no longer in your hands") % answer)
        assignments.require_assigned(answer.question, marker)
        references.require_qualified(exam, marker)
        rows.update(review=Review.CLAIMED)
        return _lease(answer, exam, marker)


@transaction.atomic
def release(answer: Answer, marker: User) -> None:
    """Give the marker's lease back, so that the answer is queued again; raises LeaseLost."""
    _give_back([_live_lease(answer, marker)])


def release_expired(exam: Exam | None = None) -> int:
    """Queue the answers again whose leases have run out, of all exams or one; returns how many."""
    expired = Lease.objects.expired()
    if exam is not None:
        expired = expired.filter(answer__question__exam=exam)
    exams = expired.order_by().values_list("answer__question__exam", flat=True).distinct()
    return sum(_release_expired(key) for key in exams)


@transaction.atomic
def _release_expired(exam_key: int) -> int:
    locks.share_exam(exam_key)
    expired = Lease.objects.expired().filter(answer__question__exam=exam_key)
    # Another sweep may release the same leases at this moment, or their markers submit or renew
    # them. Leases that are locked are skipped: the transaction that holds them ends or renews them.
    leases = locks.lock_leases(expired, skip_locked=True)
    _give_back(leases)
    return len(leases)


@transaction.atomic
def submit(
    answer: Answer, marker: User, payload: dict[str, Any], at: datetime | None = None
) -> HumanMark:
    """Mark an answer that the marker has under a lease, and close the lease.

    `payload` is as in `giving.give`; `at` is the time of the mark, now by default. Raises Invalid
    (the lease then lasts), LeaseLost, WrongState, NotQualified or Suspended.
    """
    settlement.hold(answer.question.exam, *MARKED_BY_PEOPLE)
    lease = _live_lease(answer, marker)
    seconds = int(((at or now()) - lease.created_at).total_seconds())
    if lease.is_reference:
        return references.submit(lease, payload)
    judgement = giving.read_judgement(answer.question, payload)
    references.require_qualified(answer.question.exam, marker)
    lease.delete()
    mark = giving.add(answer, marker, judgement, seconds=seconds)
    settlement.settle([answer.pk])
    return mark


def mark(answer: Answer, marker: User, payload: dict[str, Any]) -> HumanMark:
    """`submit` for who has claimed the answer; else a mark by one who may mark any (`RE_MARKERS`).

    A lease that ran out is given again where nobody else has the answer meanwhile. Raises Invalid,
    LeaseLost, NotQualified, Suspended, or WrongState at a second mark or where somebody else has
    the answer in hand.
    """
    leases = Lease.objects.filter(answer=answer, marker=marker)
    if leases.exists():
        if not leases.live().exists():
            lease_again(answer, marker)
        return submit(answer, marker, payload)
    if not has_role(marker, *RE_MARKERS):
        raise LeaseLost(_("%s is not in your hands; claim it first") % answer)
    return _mark_unclaimed(answer, marker, payload)


@transaction.atomic
def _mark_unclaimed(answer: Answer, marker: User, payload: dict[str, Any]) -> Mark:
    references.require_qualified(answer.question.exam, marker)
    settlement.hold(answer.question.exam)
    # A marker may be leased the answer at this moment. Leases are written by transactions that hold
    # the answer's lock: theirs is either seen here, or they get the lock after this mark is given.
    locks.lock_answer(answer.pk)
    leased = Lease.objects.live().filter(is_reference=False).exclude(marker=marker)
    grouped = AnswerGroup.objects.in_hands_of_others(marker)
    in_other_hands = Q(leases__in=leased) | Q(answer_group__in=grouped)
    if Answer.objects.filter(in_other_hands, pk=answer.pk).exists():
        raise WrongState(_("somebody else has %s in hand") % answer)
    return giving.give(answer, marker, payload)


@transaction.atomic
def withdraw(mark: HumanMark, user: User, anyone: bool = False) -> Lease | None:
    """Withdraw a mark, so that it counts no more, and lease the answer to its marker again.

    With `anyone` it may be another marker's. None where the mark was not the user's own, another
    marker has the answer meanwhile, or the exam is not being marked. Raises WrongState where the
    mark is not the user's, was withdrawn already or belongs to a blind reading beside another
    marker's, or the exam is fixed; NotAssigned, NotQualified or Suspended where the user may not
    mark.
    """
    if mark.marker_id != user.pk and not anyone:
        raise WrongState(_("this mark is not yours"))
    assignments.require_assigned(_question_of(mark), user)
    if isinstance(mark, ReferenceMark):
        exam = mark.reference.answer.question.exam
        settlement.hold(exam, *MARKED_BY_PEOPLE)
        locks.lock_marker(user)
        references.give_back_leases(exam, user)
        return references.withdraw(mark)
    answer, exam = mark.answer, mark.answer.question.exam
    settlement.hold(exam)
    references.require_qualified(exam, user)
    _lock_for_undoing(exam, user, answer)
    locks.lock_answer(answer.pk)
    _withdraw([mark], user)
    return _lease_undone(answer, exam, user) if mark.marker_id == user.pk else None


def _question_of(mark: HumanMark) -> Question:
    answer = mark.reference.answer if isinstance(mark, ReferenceMark) else mark.answer
    return answer.question


def _lock_for_undoing(exam: Exam, marker: User, answer: Answer) -> None:
    """Lock the marker, their leases, and in one go the leased answers and the undone one.

    The lease on the undone answer replaces the others. Were the answers locked one after the
    other, that could deadlock with a transaction that settles both.
    """
    locks.lock_marker(marker)
    own = Lease.objects.filter(answer__question__exam=exam, marker=marker)
    keys = {answer.pk, *(lease.answer_id for lease in locks.lock_leases(own))}
    locks.lock_answers(Answer.objects.filter(pk__in=keys))


def _withdraw(marks: Collection[Mark], user: User) -> None:
    keys = [mark.answer_id for mark in marks]
    # Two withdrawals of one mark at once: the second waits here until the first has committed, and
    # then finds that the mark stands no more.
    locks.lock_answers(Answer.objects.filter(pk__in=keys))
    rows = Mark.objects.filter(pk__in=[mark.pk for mark in marks])
    if rows.by_people().standing().count() < len(marks):
        raise WrongState(_("this mark was withdrawn already or cannot be withdrawn"))
    _refuse_blind(marks, user)
    source = Mark.Source.WITHDRAWAL
    Mark.objects.bulk_create(
        Mark(answer_id=mark.answer_id, source=source, marker=user, points=0, withdraws=mark)
        for mark in marks
    )
    settlement.settle(keys)


def _refuse_blind(marks: Collection[Mark], user: User) -> None:
    """Raise WrongState where another reading of the answer has been given.

    The answer's state tells whether two marks agree: a marker who could withdraw and try again
    would find out what the other gave.
    """
    if visibility.sees_every_mark(user):
        return
    keys = [mark.answer_id for mark in marks if mark.source == Mark.Source.HUMAN]
    blind = Q(answer__question__exam__policy__readings__gt=1) | Q(answer__readings__gt=1)
    others = Mark.objects.filter(blind, answer__in=keys, source=Mark.Source.HUMAN).standing()
    if others.exclude(marker=user).exists():
        raise WrongState(_("another marker has marked this answer too; your mark stands"))


def _lease_undone(answer: Answer, exam: Exam, marker: User) -> Lease | None:
    """A new lease on the answer whose mark was undone; the marker's other leases are given back."""
    if exam.status not in MARKED_BY_PEOPLE or hasattr(answer, "reference"):
        return None
    references.give_back_leases(exam, marker)
    # Another marker may be leased the answer at this moment. Leases are written by transactions
    # that hold the answer's lock, which this one has had since `_lock_for_undoing`: their lease is
    # either seen here, and they keep the answer, or they get the lock later and find it leased.
    if Lease.objects.filter(answer=answer).exists():
        return None
    lease = _lease(answer, exam, marker)
    settlement.settle([answer.pk])
    return lease


@transaction.atomic
def undo(exam: Exam, marker: User) -> Undone | None:
    """Withdraw the marker's last mark in the exam, or all marks of a group that they gave as one.

    Marks of questions that are no longer the marker's to mark stay. None where the marker has no
    other mark that stands; raises what `withdraw` raises.
    """
    settlement.hold(exam)
    own = Mark.objects.filter(answer__question__exam=exam, answer__counts=True, marker=marker)
    own = in_part(own.by_people().standing(), marker, "answer__question")
    last = own.select_related("answer__question__exam").order_by("-pk").first()
    own_of_references = ReferenceMark.objects.filter(
        reference__answer__question__exam=exam, reference__answer__counts=True, marker=marker
    ).exclude(purpose=references.WITHDRAWN)
    own_of_references = in_part(own_of_references, marker, "reference__answer__question")
    last_of_reference = (
        own_of_references.select_related("reference__answer__question__exam")
        .order_by("-pk")
        .first()
    )
    if last_of_reference and (last is None or last_of_reference.pk > last.pk):
        key = last_of_reference.reference.answer_id
        return Undone(last_of_reference, [key], withdraw(last_of_reference, marker))
    if last is None:
        return None
    if last.from_group is None:
        return Undone(last, [last.answer_id], withdraw(last, marker))
    references.require_qualified(exam, marker)
    marks = list(own.filter(from_group=last.from_group))
    _withdraw(marks, marker)
    group = AnswerGroup.objects.filter(pk=last.from_group).first()
    return Undone(last, [mark.answer_id for mark in marks], group=group)


@transaction.atomic
def adjudicate(answer: Answer, adjudicator: User, payload: dict[str, Any]) -> Mark:
    """Give the mark that closes a dispute, or replaces what people settled.

    `payload` is as in `giving.give`. Raises Invalid, or WrongState where people have neither
    settled nor disputed the answer, the adjudicator is one of its markers, another user has a lease
    on it, or the exam is fixed.
    """
    judgement = giving.read_judgement(answer.question, payload)
    settlement.hold(answer.question.exam)
    Lease.objects.filter(answer=answer, marker=adjudicator, is_reference=False).delete()
    # Two adjudicators close one dispute at once: the second waits here, and its mark then replaces
    # the first one's, which is allowed. An adjudicator who is leased the dispute at this moment is
    # seen below, since leases are written by transactions that hold the answer's lock.
    answer = locks.lock_answer(answer.pk)
    others = Lease.objects.live().filter(answer=answer).exclude(marker=adjudicator)
    if others.exists():
        raise WrongState(_("somebody else is adjudicating %s") % answer)
    if answer.review not in (Review.DISPUTED, Review.MARKED, Review.ADJUDICATED):
        raise WrongState(_("%s is not in dispute") % answer)
    if giving.standing_marks(answer, adjudicator).filter(source=Mark.Source.HUMAN).exists():
        raise WrongState(_("you are one of its markers"))
    mark = giving.add(answer, adjudicator, judgement, source=Mark.Source.ADJUDICATOR)
    settlement.settle([answer.pk])
    return mark

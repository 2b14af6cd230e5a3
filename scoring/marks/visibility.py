"""What a user may know of an answer: which marks, which final points, which review state.

Double scoring is worth something only if the readings are independent. Markers and adjudicators
therefore see nothing of an answer that could bias a mark that they may still be asked for, and a
reference answer that is hidden among the others looks like one of them.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import AnonymousUser, User
from django.utils.timezone import now

from pmscoring.base.roles import ADJUDICATOR, CLIENT, MANAGER, VIEWER, has_role
from scoring.marks.giving import Judgement, mark_columns
from scoring.marks.settlement import Review
from scoring.models import Answer, Mark, MarkingPolicy, ReferenceMark
from scoring.models.marks import standing

SEE_EVERY_MARK = (MANAGER, VIEWER, CLIENT)
"""Roles that see every mark; markers and adjudicators see what the exam's policy shows them."""
FinalMark = tuple[Decimal, str]
"""Points and their source."""


@dataclass(frozen=True)
class VisibleAnswer:
    """An answer's review state, marks and final mark as one user may know them.

    `final` is None where there is no final mark, or the user may not see it.
    """

    review: str
    marks: list[Mark]
    final: FinalMark | None


def visible_answer(answer: Answer, user: User | AnonymousUser) -> VisibleAnswer:
    """What the user may know of the answer.

    To save queries the answer comes with its marks, its leases, its reference with the marks of
    that, and its exam's policy.
    """
    final = final_of(answer)
    if _sees_all(answer, user):
        return VisibleAnswer(answer.review, visible_marks(answer, user), final)
    if not sees_final(answer, user):
        final = None
    elif hasattr(answer, "reference"):
        # Any other answer would have the user's own mark as its final one.
        final = (_own(answer, user)[-1].points, Mark.Source.HUMAN.value)
    return VisibleAnswer(_visible_review(answer, user), visible_marks(answer, user), final)


def final_of(answer: Answer) -> FinalMark | None:
    """The final points and their source, whoever asks; None where there are none."""
    return None if answer.final_points is None else (answer.final_points, answer.final_source)


def _visible_review(answer: Answer, user: User | AnonymousUser) -> str:
    """The review state that a marker or adjudicator sees.

    Claimed is only what they have under a lease themselves. Where readings are blind, the true
    state would tell whether another marker's mark agrees with theirs; so it is marked once they
    have marked the answer, and queued before.
    """
    if any(
        lease.marker_id == user.pk and lease.expires_at > now() for lease in answer.leases.all()
    ):
        return Review.CLAIMED
    is_open = not _is_blind(answer) or answer.review in (Review.NONE, Review.ADJUDICATED)
    if not hasattr(answer, "reference") and (is_open or _may_adjudicate(answer, user)):
        return answer.review
    return Review.MARKED if _own(answer, user) else Review.QUEUED


def visible_marks(answer: Answer, user: User | AnonymousUser) -> list[Mark]:
    """The marks that the user may see, by key, without what could bias a marker or adjudicator.

    They see their own marks that stand, other people's once no blind reading is open, and the
    machine's as the exam's policy says. Of a reference answer they see what they gave it, as a Mark
    that is not stored.
    """
    marks = sorted(answer.marks.all(), key=lambda mark: mark.pk)
    if _sees_all(answer, user):
        return marks
    people = _sees_people(answer) or _may_adjudicate(answer, user)
    machine = _sees_machine(answer, user)
    others = [
        mark
        for mark in standing(marks)
        if mark.marker_id != user.pk and (machine if mark.source == Mark.Source.MACHINE else people)
    ]
    return sorted([*others, *_own(answer, user)], key=lambda mark: mark.pk)


def _own(answer: Answer, user: User | AnonymousUser) -> list[Mark]:
    """The user's marks that stand, those of the reference answer included, by key."""
    own = [mark for mark in standing(answer.marks.all()) if mark.marker_id == user.pk]
    if hasattr(answer, "reference"):
        withdrawn = ReferenceMark.Purpose.WITHDRAWN
        own += [
            _as_mark(answer, mark)
            for mark in answer.reference.marks.all()
            if mark.marker_id == user.pk and mark.purpose != withdrawn
        ]
    return sorted(own, key=lambda mark: mark.pk)


def _as_mark(answer: Answer, mark: ReferenceMark) -> Mark:
    judgement = Judgement(mark.points, mark.criteria, mark.comment)
    identity = {"pk": mark.pk, "created_at": mark.created_at}
    return Mark(**mark_columns(answer, mark.marker, judgement, **identity))


def sees_final(answer: Answer, user: User | AnonymousUser) -> bool:
    """Whether the user may see a final mark; markers may not while it could bias their own.

    Of a reference answer that they marked they are shown their own mark as the final one:
    `visible_answer`.
    """
    if _sees_all(answer, user):
        return True
    if hasattr(answer, "reference"):
        return _seems_settled(answer, user)
    is_machine = answer.final_source == Mark.Source.MACHINE
    return _sees_machine(answer, user) if is_machine else _sees_people(answer)


def sees_every_mark(user: User | AnonymousUser) -> bool:
    """Whether the user has a role from which no mark is hidden."""
    return has_role(user, *SEE_EVERY_MARK)


def _sees_all(answer: Answer, user: User | AnonymousUser) -> bool:
    return answer.question.exam.frozen or sees_every_mark(user)


def _sees_people(answer: Answer) -> bool:
    if hasattr(answer, "reference"):
        return False
    if MarkingPolicy.of(answer.question.exam).readings > 1:
        return answer.review == Review.ADJUDICATED
    return answer.review not in (Review.QUEUED, Review.CLAIMED, Review.DISPUTED)


def _sees_machine(answer: Answer, user: User | AnonymousUser) -> bool:
    if MarkingPolicy.of(answer.question.exam).shown == MarkingPolicy.Shown.MARK:
        return True
    if hasattr(answer, "reference"):
        return _seems_settled(answer, user)
    return answer.review in (Review.MARKED, Review.ADJUDICATED) and _sees_people(answer)


def _seems_settled(reference: Answer, user: User | AnonymousUser) -> bool:
    """Whether any other answer would be settled by the mark that the user gave this one."""
    return not _is_blind(reference) and bool(_own(reference, user))


def _is_blind(answer: Answer) -> bool:
    """Whether more than one marker reads the answer."""
    return max(MarkingPolicy.of(answer.question.exam).readings, answer.readings) > 1


def _may_adjudicate(answer: Answer, user: User | AnonymousUser) -> bool:
    """Whether the answer is a dispute between other markers, which the user may adjudicate."""
    if answer.review != Review.DISPUTED or not has_role(user, ADJUDICATOR):
        return False
    return all(mark.source != Mark.Source.HUMAN for mark in _own(answer, user))

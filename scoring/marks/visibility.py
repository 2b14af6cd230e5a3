"""What a user may know of an answer: which marks, which final points, which review state."""

from dataclasses import dataclass
from typing import Any

from django.utils.timezone import now

from pmscoring.base.roles import ADJUDICATOR, CLIENT, MANAGER, VIEWER, has_role
from scoring.marks.giving import Told, row
from scoring.marks.settlement import Review
from scoring.models import Answer, Mark, MarkingPolicy, ReferenceMark
from scoring.models.marks import standing

UNSWAYED = (MANAGER, VIEWER, CLIENT)
"""Roles that see every mark; those who mark see what the exam lets them see."""


@dataclass(frozen=True)
class Seen:
    """An answer as a user may know it: its review state, the marks, the final points and their
    source (None where there are none, or they are kept from the user)."""

    review: str
    marks: list[Mark]
    final: tuple[Any, str] | None


def seen(answer: Answer, user: Any) -> Seen:
    """What the user may know; of those who mark, a reference answer looks like any other.

    `answer` comes best with its marks, its leases, its reference with the marks of that, and its
    exam's policy.
    """
    final = final_of(answer)
    if _sees_all(answer, user):
        return Seen(answer.review, visible_marks(answer, user), final)
    if not sees_final(answer, user):
        final = None
    elif hasattr(answer, "reference"):
        final = (_own(answer, user)[-1].points, Mark.Source.HUMAN.value)
    return Seen(_seen_review(answer, user), visible_marks(answer, user), final)


def final_of(answer: Answer) -> tuple[Any, str] | None:
    """The final points and their source; None where there are none."""
    return None if answer.final_points is None else (answer.final_points, answer.final_source)


def _seen_review(answer: Answer, user: Any) -> str:
    """Claimed is what is in their hands; of what is read blindly it tells no more than whether
    they marked it, or their mark could be tried against another's."""
    if any(one.marker_id == user.pk and one.expires_at > now() for one in answer.leases.all()):
        return Review.CLAIMED
    known = not _is_blind(answer) or answer.review in (Review.NONE, Review.ADJUDICATED)
    if not hasattr(answer, "reference") and (known or _settles(answer, user)):
        return answer.review
    return Review.MARKED if _own(answer, user) else Review.QUEUED


def visible_marks(answer: Answer, user: Any) -> list[Mark]:
    """The marks that the user may see, oldest first: of those who mark, not what would sway them.

    Their own they see as long as they stand, other people's once no reading is open that should be
    blind, and the machine's as the exam's policy has it. Of a reference answer it is what they gave
    it, as a mark that is not stored.
    """
    marks = sorted(answer.marks.all(), key=lambda mark: mark.pk)
    if _sees_all(answer, user):
        return marks
    people = _sees_people(answer) or _settles(answer, user)
    machine = _sees_machine(answer, user)
    others = [
        mark
        for mark in standing(marks)
        if mark.marker_id != user.pk and (machine if mark.source == Mark.Source.MACHINE else people)
    ]
    return sorted([*others, *_own(answer, user)], key=lambda mark: mark.pk)


def _own(answer: Answer, user: Any) -> list[Mark]:
    """What the user gave it, oldest first."""
    own = [mark for mark in standing(answer.marks.all()) if mark.marker_id == user.pk]
    if hasattr(answer, "reference"):
        withdrawn = ReferenceMark.Purpose.WITHDRAWN
        given = [one for one in answer.reference.marks.all() if one.marker_id == user.pk]
        own += [_as_mark(answer, one) for one in given if one.purpose != withdrawn]
    return sorted(own, key=lambda mark: mark.pk)


def _as_mark(answer: Answer, given: ReferenceMark) -> Mark:
    told = Told(given.points, given.criteria, given.comment)
    more = {"pk": given.pk, "created_at": given.created_at}
    return Mark(**row(answer, given.marker, told, **more))


def sees_final(answer: Answer, user: Any) -> bool:
    """Whether the user may see the final mark: not who is yet to mark the answer unswayed.

    Of a reference answer that they marked they see one, but it is theirs: `seen`.
    """
    if _sees_all(answer, user):
        return True
    if hasattr(answer, "reference"):
        return _seems_settled(answer, user)
    is_machine = answer.final_source == Mark.Source.MACHINE
    return _sees_machine(answer, user) if is_machine else _sees_people(answer)


def sees_every_mark(user: Any) -> bool:
    """Whether nothing is kept from the user, who does not mark."""
    return has_role(user, *UNSWAYED)


def _sees_all(answer: Answer, user: Any) -> bool:
    return answer.question.exam.frozen or sees_every_mark(user)


def _sees_people(answer: Answer) -> bool:
    if hasattr(answer, "reference"):
        return False
    if MarkingPolicy.of(answer.question.exam).readings > 1:
        return answer.review == Review.ADJUDICATED
    return answer.review not in (Review.QUEUED, Review.CLAIMED, Review.DISPUTED)


def _sees_machine(answer: Answer, user: Any) -> bool:
    if MarkingPolicy.of(answer.question.exam).shown == MarkingPolicy.Shown.MARK:
        return True
    if hasattr(answer, "reference"):
        return _seems_settled(answer, user)
    return answer.review in (Review.MARKED, Review.ADJUDICATED) and _sees_people(answer)


def _seems_settled(reference: Answer, user: Any) -> bool:
    """Whether any other answer would be settled by the mark that the user gave this one."""
    return not _is_blind(reference) and bool(_own(reference, user))


def _is_blind(answer: Answer) -> bool:
    """Whether more than one marker reads it."""
    return max(MarkingPolicy.of(answer.question.exam).readings, answer.readings) > 1


def _settles(answer: Answer, user: Any) -> bool:
    """Whether it is a dispute between others, which the user may settle."""
    if answer.review != Review.DISPUTED or not has_role(user, ADJUDICATOR):
        return False
    own = Mark.Source.HUMAN
    return all(mark.source != own for mark in _own(answer, user))

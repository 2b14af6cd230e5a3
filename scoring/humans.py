"""Marks that people give, and the marks that they may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import ADJUDICATOR, CLIENT, MANAGER, VIEWER, has_role
from scoring import agreeing, settling
from scoring.contract import Invalid, fault
from scoring.models import Answer, Mark, MarkingPolicy, Question, ReferenceMark
from scoring.models.exams import number
from scoring.settling import PEOPLE, Review

UNSWAYED = (MANAGER, VIEWER, CLIENT)
"""Roles that see every mark; those who mark see what the exam lets them see."""


@dataclass(frozen=True)
class Told:
    """A judgement that fits its question."""

    points: Any
    criteria: list[dict[str, Any]]
    comment: str


@transaction.atomic
def give(answer: Answer, marker: Any, told: dict[str, Any]) -> Mark:
    """A person's mark; raises Invalid, or WrongState once the exam is fixed or at a second one.

    `told` is `{points?, criteria?: {code: points}, comment?}`; without `points` the criteria's sum
    counts, at most the question's points.
    """
    judgement = read(answer.question, told)
    settling.hold(answer.question.exam)
    Answer.objects.select_for_update().get(pk=answer.pk)
    if standing(answer, marker).exists():
        raise WrongState(_("you have marked this answer already; withdraw that mark first"))
    mark = add(answer, marker, judgement)
    settling.settle([answer.pk])
    return mark


def standing(answer: Answer, marker: Any) -> "models.QuerySet[Mark]":
    """The marker's marks of the answer that were not withdrawn."""
    return answer.marks.filter(marker=marker, source__in=PEOPLE, mark__isnull=True)


def add(answer: Answer, marker: Any, told: Told, **more: Any) -> Mark:
    """The judgement as a row; what follows from it is settling's."""
    mark = Mark.objects.create(**row(answer, marker, told, **more))
    agreeing.observe([mark])
    return mark


def row(answer: Answer, marker: Any, told: Told, **more: Any) -> dict[str, Any]:
    """The columns of a person's mark."""
    return {
        "answer": answer,
        "source": Mark.Source.HUMAN,
        "marker": marker,
        "points": told.points,
        "criteria": told.criteria,
        "definition": answer.question.digest,
        "text_key": answer.text_key,
        "comment": told.comment,
        **more,
    }


def read(question: Question, told: dict[str, Any]) -> Told:
    """What was told, as a judgement of this question; raises Invalid."""
    criteria = _criteria(question, told.get("criteria"))
    points = _points(question, told, sum(one["points"] for one in criteria))
    comment = told.get("comment", "")
    if not isinstance(comment, str) or "\0" in comment or len(comment) > 5000:
        raise Invalid([fault("/comment", _("a text of at most 5000 characters is expected"))])
    return Told(points, criteria, comment.encode("utf-8", "replace").decode())


def _steps(question: Question, most: float) -> str:
    words = {"most": f"{most:g}", "step": number(question.step)}
    return _("from 0 to %(most)s in steps of %(step)s") % words


def _is_on_step(question: Question, points: Any, most: float) -> bool:
    if isinstance(points, bool) or not isinstance(points, (int, float)):
        return False
    return 0 <= points <= most and points % float(question.step) == 0


def _criteria(question: Question, told: Any) -> list[dict[str, Any]]:
    if told is None:
        return []
    if not isinstance(told, dict):
        raise Invalid([fault("/criteria", _("an object of points by code is expected"))])
    known = {one.code: float(one.points) for one in question.criteria.all()}
    found = [
        fault(f"/criteria/{code}", _("there is no such criterion")) for code in told.keys() - known
    ]
    found += [
        fault(f"/criteria/{code}", _steps(question, known[code]))
        for code, points in told.items()
        if code in known and not _is_on_step(question, points, known[code])
    ]
    if found:
        raise Invalid(found)
    return [{"code": code, "points": points, "evidence": []} for code, points in told.items()]


def _points(question: Question, told: dict[str, Any], total: float) -> Any:
    if "points" not in told and not told.get("criteria"):
        raise Invalid([fault("/points", _("points, or points by criterion, are expected"))])
    most = float(question.max_points)
    points = told.get("points", min(total, most))
    if not _is_on_step(question, points, most):
        raise Invalid([fault("/points", _steps(question, most))])
    return points


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
        for mark in those_that_stand(marks)
        if mark.marker_id != user.pk and (machine if mark.source == Mark.Source.MACHINE else people)
    ]
    return sorted([*others, *_own(answer, user)], key=lambda mark: mark.pk)


def those_that_stand(marks: Iterable[Mark]) -> list[Mark]:
    """Without those that were withdrawn, and their withdrawals."""
    told = list(marks)
    gone = {mark.withdraws_id for mark in told}
    return [mark for mark in told if mark.withdraws_id is None and mark.pk not in gone]


def _own(answer: Answer, user: Any) -> list[Mark]:
    """What the user gave it, oldest first."""
    own = [mark for mark in those_that_stand(answer.marks.all()) if mark.marker_id == user.pk]
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
    if settling.policy_of(answer.question.exam).readings > 1:
        return answer.review == Review.ADJUDICATED
    return answer.review not in (Review.QUEUED, Review.CLAIMED, Review.DISPUTED)


def _sees_machine(answer: Answer, user: Any) -> bool:
    if settling.policy_of(answer.question.exam).shown == MarkingPolicy.Shown.MARK:
        return True
    if hasattr(answer, "reference"):
        return _seems_settled(answer, user)
    return answer.review in (Review.MARKED, Review.ADJUDICATED) and _sees_people(answer)


def _seems_settled(reference: Answer, user: Any) -> bool:
    """Whether any other answer would be settled by the mark that the user gave this one."""
    return not _is_blind(reference) and bool(_own(reference, user))


def _is_blind(answer: Answer) -> bool:
    """Whether more than one marker reads it."""
    return max(settling.policy_of(answer.question.exam).readings, answer.readings) > 1


def _settles(answer: Answer, user: Any) -> bool:
    """Whether it is a dispute between others, which the user may settle."""
    if answer.review != Review.DISPUTED or not has_role(user, ADJUDICATOR):
        return False
    own = Mark.Source.HUMAN
    return all(mark.source != own for mark in _own(answer, user))

"""What the calls of marking by people tell."""

from typing import NotRequired, TypedDict, cast

from scoring import models
from scoring.api.representations import CriterionMark, Mark, Moment, evidence_of, mark, moment
from scoring.marks import settlement
from scoring.models import MarkingPolicy
from scoring.models.exams import number
from scoring.review.queue import HumanMark, Progress
from scoring.review.workload import Workload


class Known(TypedDict):
    """The known mark of a reference answer, told after it was marked to qualify."""

    points: float
    criteria: list[CriterionMark]
    explanation: str
    agrees: bool


class Given(Mark):
    """A mark that was given; `known` where the answer was asked to qualify the marker."""

    known: NotRequired[Known]


class Hint(TypedDict):
    """What the exam lets markers see of the machine; points only where it says so."""

    points: float | None
    criteria: list[CriterionMark]


class ToMark(TypedDict):
    """An answer in the caller's hands until `expires_at`.

    `marks` are those that may be seen: in a dispute the markers'. `qualifying`: it is asked to
    qualify the marker. `machine` is null where the exam shows nothing of it.
    """

    id: int
    exam: str
    question: str
    text: str
    expires_at: Moment
    qualifying: bool
    machine: Hint | None
    marks: list[Mark]


class ReviewProgress(TypedDict):
    """Answers done, left and disputed; marks of the caller, in all and today."""

    done: int
    left: int
    disputed: int
    mine: int
    mine_today: int


class Claimed(TypedDict):
    """The next answer to mark, and how far the exam is."""

    answer: ToMark
    progress: ReviewProgress


class Member(TypedDict):
    """An answer of a group."""

    id: int
    text: str


class Group(TypedDict):
    """Answers that say the same; none lies further than `distance` from the first.

    `kind` is blank, same (equal after folding) or near.
    """

    id: int
    kind: str
    distance: float
    size: int
    answers: list[Member]


class Groups(TypedDict):
    """The largest groups that the caller may mark now.

    `saved` is the share of marks that groups spared people; `regrouping` how far the search for
    groups is, null where none runs.
    """

    groups: list[Group]
    total: int
    saved: float
    regrouping: float | None


class GivenMarks(TypedDict):
    """A mark for every answer of the group that was still open."""

    marks: list[Mark]


class Reference(TypedDict):
    """An answer with a known mark."""

    id: int
    answer: int
    question: str
    text: str
    points: float
    criteria: list[CriterionMark]
    explanation: str
    qualifies: bool
    watches: bool


class References(TypedDict):
    """An exam's reference answers."""

    references: list[Reference]


class Standing(TypedDict):
    """Whether a marker may mark the exam: qualifying, qualified or suspended."""

    marker: str
    status: str
    round: int
    agreement: float | None
    changed_at: Moment


class Standings(TypedDict):
    """Of an exam's markers."""

    standings: list[Standing]


class MarkerWorkload(TypedDict):
    """A marker's marks, median seconds, and agreement with other markers and with references."""

    marker: str
    marks: int
    seconds: float | None
    agreement: float | None
    compared: int
    with_references: float | None
    references: int


class Workloads(TypedDict):
    """Of an exam's markers."""

    markers: list[MarkerWorkload]


class Queued(TypedDict):
    """How many answers are to be read again."""

    queued: int


def judgement(one: HumanMark) -> Given:
    """A mark as it was given; a hidden reference's looks like any other."""
    if isinstance(one, models.Mark):
        return cast(Given, mark(one))
    told: Given = {
        "id": one.pk,
        "source": models.Mark.Source.HUMAN.value,
        "points": number(one.points),
        "criteria": one.criteria,
        "flags": [],
        "confidence": None,
        "model": "",
        "calibration": None,
        "comment": one.comment,
        "group": None,
        "created_at": moment(one.created_at),
    }
    if one.purpose == models.ReferenceMark.Purpose.QUALIFYING:
        told["known"] = {
            "points": number(one.reference.points),
            "criteria": one.reference.criteria,
            "explanation": one.reference.explanation,
            "agrees": one.agrees,
        }
    return told


def hint(answer: models.Answer) -> Hint | None:
    """The machine's present mark, as far as the exam lets markers see it."""
    shown = MarkingPolicy.of(answer.question.exam).shown
    machine = settlement.machine_mark(answer)
    if machine is None or shown == MarkingPolicy.Shown.NOTHING:
        return None
    if shown == MarkingPolicy.Shown.MARK:
        return {"points": number(machine.points), "criteria": machine.criteria}
    return {"points": None, "criteria": evidence_of(machine)}


def progress(one: Progress) -> ReviewProgress:
    """How far the marking is."""
    return {
        "done": one.done,
        "left": one.left,
        "disputed": one.disputed,
        "mine": one.mine,
        "mine_today": one.mine_today,
    }


def group(one: models.AnswerGroup, answers: list[models.Answer]) -> Group:
    """A group with the members that are open."""
    return {
        "id": one.pk,
        "kind": one.kind,
        "distance": one.distance,
        "size": len(answers),
        "answers": [{"id": each.pk, "text": each.text} for each in answers],
    }


def reference(one: models.Reference) -> Reference:
    """A reference answer with its known mark."""
    return {
        "id": one.pk,
        "answer": one.answer_id,
        "question": one.answer.question.code,
        "text": one.answer.text,
        "points": number(one.points),
        "criteria": one.criteria,
        "explanation": one.explanation,
        "qualifies": one.qualifies,
        "watches": one.watches,
    }


def standing(one: models.Standing) -> Standing:
    """A marker's standing."""
    return {
        "marker": one.marker.get_username(),
        "status": one.status,
        "round": one.round,
        "agreement": one.agreement,
        "changed_at": moment(one.changed_at),
    }


def workload(one: Workload) -> MarkerWorkload:
    """One marker's."""
    return {
        "marker": one.marker.get_username(),
        "marks": one.marks,
        "seconds": one.seconds,
        "agreement": one.agreement,
        "compared": one.compared,
        "with_references": one.with_references,
        "references": one.references,
    }

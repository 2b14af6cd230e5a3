"""Responses of the views of the review room: leases, groups, reference answers, workload."""

from typing import NotRequired, TypedDict, cast

from pmscoring.base.api.representations import Moment, moment
from scoring import models
from scoring.api.representations import CriterionMark, Mark, evidence_of, mark
from scoring.marks import settlement
from scoring.models import MarkingPolicy
from scoring.models.exams import number
from scoring.review.progress import Progress
from scoring.review.queue import HumanMark
from scoring.review.workload import Workload


class Known(TypedDict):
    """The known mark of a reference answer, shown after it was marked to qualify."""

    points: float
    criteria: list[CriterionMark]
    explanation: str
    agrees: bool


class Given(Mark):
    """A mark that was given; with `known` where the answer is part of a round of qualifying."""

    known: NotRequired[Known]


class Hint(TypedDict):
    """What the exam shows markers of the machine's mark; null for points that are not shown."""

    points: float | None
    criteria: list[CriterionMark]


class ToMark(TypedDict):
    """An answer that the caller has under a lease until `expires_at`.

    `marks` are those that the caller may see: of a dispute the markers' marks. `qualifying` tells
    whether the answer is part of a round of qualifying. `machine` is null where the exam shows
    nothing of the machine's mark or there is none.
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
    """Counts of what the caller has done and can do.

    `done` are answers that are settled, or marked by the caller; `left` those that the caller can
    still mark; `disputed` those that wait for an adjudicator and that the caller has not marked;
    `mine` and `mine_today` the caller's marks.
    """

    done: int
    left: int
    disputed: int
    mine: int
    mine_today: int


class Claimed(TypedDict):
    """The next answer to mark, and the progress of the exam."""

    answer: ToMark
    progress: ReviewProgress


class Member(TypedDict):
    """An answer of a group."""

    id: int
    text: str


class Group(TypedDict):
    """Answers that say the same, none of them further than `distance` from the first.

    `distance` is a cosine distance; `kind` is blank, same (equal after folding) or near.
    """

    id: int
    kind: str
    distance: float
    size: int
    answers: list[Member]


class Groups(TypedDict):
    """The largest groups that the caller may mark now.

    `total` is how many groups there are. `saved` is the share of people's marks that did not have
    to be given one by one. `regrouping` is the progress of the search for groups, in [0, 1], null
    where none runs.
    """

    groups: list[Group]
    total: int
    saved: float
    regrouping: float | None


class GivenMarks(TypedDict):
    """A mark for every answer of the group that was open to the caller."""

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
    """The standings of an exam's markers."""

    standings: list[Standing]


class MarkerWorkload(TypedDict):
    """A marker's marks, median seconds of a mark, and agreement with others and with references.

    Agreement is the share of the `compared` pairs of marks, or of the marks of `references`, that
    lie within the exam's tolerance.
    """

    marker: str
    marks: int
    seconds: float | None
    agreement: float | None
    compared: int
    with_references: float | None
    references: int


class Workloads(TypedDict):
    """The workload of an exam's markers."""

    markers: list[MarkerWorkload]


class Queued(TypedDict):
    """How many answers were queued for another reading."""

    queued: int


def given_mark(row: HumanMark) -> Given:
    """A mark in response to its marker; that of a hidden reference answer looks like any other."""
    if isinstance(row, models.Mark):
        return cast(Given, mark(row))
    shown: Given = {
        "id": row.pk,
        "source": models.Mark.Source.HUMAN.value,
        "points": number(row.points),
        "criteria": row.criteria,
        "flags": [],
        "confidence": None,
        "model": "",
        "calibration": None,
        "comment": row.comment,
        "group": None,
        "created_at": moment(row.created_at),
    }
    if row.purpose == models.ReferenceMark.Purpose.QUALIFYING:
        shown["known"] = {
            "points": number(row.reference.points),
            "criteria": row.reference.criteria,
            "explanation": row.reference.explanation,
            "agrees": row.agrees,
        }
    return shown


def hint(answer: models.Answer) -> Hint | None:
    """The machine's mark in force, as far as the exam shows it to markers."""
    shown = MarkingPolicy.of(answer.question.exam).shown
    machine = settlement.machine_mark(answer)
    if machine is None or shown == MarkingPolicy.Shown.NOTHING:
        return None
    if shown == MarkingPolicy.Shown.MARK:
        return {"points": number(machine.points), "criteria": machine.criteria}
    return {"points": None, "criteria": evidence_of(machine)}


def progress(row: Progress) -> ReviewProgress:
    return {
        "done": row.done,
        "left": row.left,
        "disputed": row.disputed,
        "mine": row.mine,
        "mine_today": row.mine_today,
    }


def group(row: models.AnswerGroup, answers: list[models.Answer]) -> Group:
    """A group with these of its answers."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "distance": row.distance,
        "size": len(answers),
        "answers": [{"id": answer.pk, "text": answer.text} for answer in answers],
    }


def reference(row: models.Reference) -> Reference:
    return {
        "id": row.pk,
        "answer": row.answer_id,
        "question": row.answer.question.code,
        "text": row.answer.text,
        "points": number(row.points),
        "criteria": row.criteria,
        "explanation": row.explanation,
        "qualifies": row.qualifies,
        "watches": row.watches,
    }


def standing(row: models.Standing) -> Standing:
    return {
        "marker": row.marker.get_username(),
        "status": row.status,
        "round": row.round,
        "agreement": row.agreement,
        "changed_at": moment(row.changed_at),
    }


def workload(row: Workload) -> MarkerWorkload:
    return {
        "marker": row.marker.get_username(),
        "marks": row.marks,
        "seconds": row.seconds,
        "agreement": row.agreement,
        "compared": row.compared,
        "with_references": row.with_references,
        "references": row.references,
    }

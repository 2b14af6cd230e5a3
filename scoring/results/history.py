"""The mark history of an exam: all marks of its answers, the withdrawn ones too, oldest first.

Marks are read through a database cursor, which shows the marks that existed when it was opened, so
marks that are given while an export is read are not part of it.
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import islice
from typing import Annotated, Any, TypedDict

from django.utils.timezone import get_current_timezone, localtime

from scoring.models import Exam, Mark
from scoring.models.exams import number
from scoring.results import words
from scoring.results.sheets import Table

CHUNK = 2000
Moment = Annotated[Any, {"type": "string", "format": "date-time"}]


class HistoryMark(TypedDict):
    """A mark, with the candidate whose answer it marks and the marker or source who gave it.

    `withdraws` is the key of the mark that this one withdraws; `withdrawn` says whether this one
    has been withdrawn. `group` is the group of answers that were marked together. `seconds` is how
    long the marker had the answer. `time` is in the caller's time zone.
    """

    candidate: str
    attempt: int
    question: str
    answer: int
    mark: int
    time: Moment
    source: str
    marker: str | None
    points: float
    criteria: dict[str, float]
    flags: list[str]
    confidence: float | None
    calibration: str | None
    model: str | None
    group: int | None
    withdraws: int | None
    withdrawn: bool
    seconds: int | None
    comment: str


HISTORY = Table(
    "marks",
    HistoryMark,
    {
        "candidate": "受験者",
        "attempt": "回",
        "question": "設問",
        "answer": "解答番号",
        "mark": "採点番号",
        "time": "時刻",
        "source": "採点の種別",
        "marker": "採点者",
        "points": "得点",
        "criteria": "採点基準ごとの得点",
        "flags": "注意",
        "confidence": "確信度",
        "calibration": "較正",
        "model": "モデル",
        "group": "まとめ採点",
        "withdraws": "取り消した採点",
        "withdrawn": "取り消された",
        "seconds": "所要秒数",
        "comment": "コメント",
    },
    ("marks", "採点履歴"),
    {"source": words.source, "flags": words.flags},
)
EXAMPLE: dict[str, Any] = {
    "marks": [
        {
            "candidate": "c-001",
            "attempt": 1,
            "question": "Q1",
            "answer": 21,
            "mark": 31,
            "time": "2026-04-19T14:00:00+09:00",
            "source": "human",
            "marker": "sato",
            "points": 4,
            "criteria": {"C1": 4},
            "flags": [],
            "confidence": None,
            "calibration": None,
            "model": None,
            "group": None,
            "withdraws": None,
            "withdrawn": False,
            "seconds": 24,
            "comment": "",
        }
    ],
}


def marks(exam: Exam, zone: tzinfo | None = None) -> Iterator[list[HistoryMark]]:
    """Yield the marks in chunks of CHUNK, so that the memory does not grow with their number.

    Times are in `zone`, or in the current time zone.
    """
    zone = zone or get_current_timezone()
    rows = (
        Mark.objects.filter(answer__question__exam=exam, answer__counts=True)
        .select_related("answer__submission", "answer__question", "marker", "mark")
        .defer("answer__text", "answer__question__prompt", "answer__question__passage")
        .order_by("pk")
        .iterator(CHUNK)
    )
    while chunk := list(islice(rows, CHUNK)):
        yield [_row(mark, zone) for mark in chunk]


def _row(mark: Mark, zone: tzinfo) -> HistoryMark:
    answer = mark.answer
    return {
        "candidate": answer.submission.candidate,
        "attempt": answer.submission.attempt,
        "question": answer.question.code,
        "answer": answer.pk,
        "mark": mark.pk,
        "time": localtime(mark.created_at, zone),
        "source": mark.source,
        "marker": mark.giver or None,
        "points": number(mark.points),
        "criteria": {criterion["code"]: criterion["points"] for criterion in mark.criteria},
        "flags": mark.flags,
        "confidence": mark.confidence,
        "calibration": mark.calibration or None,
        "model": mark.model or None,
        "group": mark.from_group,
        "withdraws": mark.withdraws_id,
        "withdrawn": hasattr(mark, "mark"),  # The reverse of `Mark.withdraws`.
        "seconds": mark.seconds,
        "comment": mark.comment,
    }


def chunks(exam: Exam) -> Iterator[Sequence[Sequence[HistoryMark]]]:
    """The marks for an export, in the time zone that is current at the call."""
    # Chunks are read while the response is sent, when the request's time zone is no longer active.
    return ([rows] for rows in marks(exam, get_current_timezone()))

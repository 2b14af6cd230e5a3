"""Every mark that an exam's answers were ever given, in the order in which they were given."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import islice
from typing import Annotated, Any, TypedDict

from django.utils.timezone import get_current_timezone, localtime

from scoring.models import Exam, Mark
from scoring.models.exams import number
from scoring.results.sheets import Table

CHUNK = 2000
Moment = Annotated[Any, {"type": "string", "format": "date-time"}]


class HistoryMark(TypedDict):
    """A mark as it was given, with whose answer it is and who gave it.

    `withdraws` is the mark that this one undid, `withdrawn` says that this one was undone.
    `group` is the group of answers that were marked as one. `time` is in the reader's time zone.
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
    """In chunks, so that any number takes the same memory."""
    zone = zone or get_current_timezone()
    rows = (
        Mark.objects.filter(answer__question__exam=exam)
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
        "marker": mark.marker.get_username() if mark.marker else None,
        "points": number(mark.points),
        "criteria": {one["code"]: one["points"] for one in mark.criteria},
        "flags": mark.flags,
        "confidence": mark.confidence,
        "calibration": mark.calibration or None,
        "model": mark.model or None,
        "group": mark.from_group,
        "withdraws": mark.withdraws_id,
        "withdrawn": hasattr(mark, "mark"),
        "seconds": mark.seconds,
        "comment": mark.comment,
    }


def parts(exam: Exam) -> Iterator[Sequence[Sequence[HistoryMark]]]:
    """The time zone is the caller's of now, not that of when the chunks are read."""
    return ([rows] for rows in marks(exam, get_current_timezone()))

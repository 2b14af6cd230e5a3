"""An invented exam after three weeks of marking, the same for each seed.

Q1 is calibrated: its examples are ninety answers that two markers marked, and on every working day
since, people marked an audit sample of what the machine settled. Q2 was marked once by people and
has no calibration. Q3 is not marked.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from unittest import mock

from django.contrib.auth.models import User

from scoring.exams import definitions
from scoring.intake import submissions
from scoring.models import (
    Answer,
    Calibration,
    Exam,
    Example,
    Mark,
    MarkingPolicy,
    Promotion,
    Question,
)
from tests.factories import make_user

A_DAY = 6
CODE, MODEL = "PM-2026-AGREED", "e5" * 32
FIRST_MONDAY = datetime(2026, 4, 6, 1, tzinfo=UTC)
EXAMPLES, AUDITED, SETTLED, CANDIDATES = 90, 90, 220, 300
SETTLED_FIELDS = (
    "final_points",
    "final_source",
    "review",
    "review_reason",
    "urgency",
    "readings",
)
CAUSES = (
    "要件の確定が遅れたから",
    "関係部門の合意が得られなかったから",
    "見積りの根拠が古かったから",
)
DEEDS = ("変更の手続を定めて周知する", "部門長を集めて優先順位を決める", "過去の実績で見積もり直す")
ENDS = ("", "こと", "ため", "必要がある", "。")


def definition() -> dict[str, Any]:
    """Three questions of two criteria each."""
    return {
        "code": CODE,
        "title": "プロジェクトマネージャ試験 午後I(一致度の例)",
        "questions": [
            {
                "code": f"Q{number}",
                "label": f"設問{number}",
                "prompt": prompt,
                "max_points": 6,
                "limits": {"max": 40},
                "criteria": [
                    {"code": "C1", "label": "原因", "points": 4, "references": [CAUSES[0]]},
                    {"code": "C2", "label": "対策", "points": 2, "references": [DEEDS[0]]},
                ],
                "model_answers": [f"{CAUSES[0]}、{DEEDS[0]}"],
            }
            for number, prompt in enumerate(
                ("遅れの原因と対策を述べよ。", "品質の問題と対応を述べよ。", "教訓を述べよ。"), 1
            )
        ],
    }


@dataclass
class MarkedExam:
    """The exam, its markers and its calibration."""

    exam: Exam
    markers: list[User]
    adjudicator: User
    calibration: Calibration
    marks: list[Mark] = field(default_factory=list)


class Writer:
    """Makes marks that agree about as well as people do."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.marks: list[Mark] = []
        self.answers: dict[int, Answer] = {}

    def text(self, number: int) -> str:
        """A text of at most forty characters, different for each number."""
        cause, deed = self.random.choice(CAUSES), self.random.choice(DEEDS)
        share = self.random.random()
        body = cause if share < 0.3 else deed if share < 0.45 else f"{cause}、{deed}"
        words = body[: self.random.randint(12, 28)] + self.random.choice(ENDS)
        return f"作業{number}で{words}"

    def near(self, points: int, chance: float) -> int:
        """The points, or with this probability others nearby."""
        if self.random.random() >= chance:
            return points
        return min(max(points + self.random.choice((-2, -1, -1, 1, 1, 2)), 0), 6)

    def mark(self, answer: Answer, source: str, points: int, at: datetime, **more: Any) -> Mark:
        """A mark for `write`, whose criteria add up to the points."""
        first = min(points, 4)
        criteria = [
            {"code": "C1", "points": first, "evidence": []},
            {"code": "C2", "points": points - first, "evidence": []},
        ]
        mark = Mark(
            answer=answer,
            source=source,
            points=points,
            criteria=criteria,
            definition=answer.question.digest,
            text_key=answer.text_key,
            created_at=at,
            **more,
        )
        self.marks.append(mark)
        return mark

    def settle(self, answer: Answer, **changes: Any) -> None:
        """Changes of the answer for `write`."""
        for name, value in changes.items():
            setattr(answer, name, value)
        self.answers[answer.pk] = answer

    def write(self) -> None:
        """Store the marks with their own times, and the changed answers."""
        with mock.patch.object(Mark._meta.get_field("created_at"), "auto_now_add", False):
            Mark.objects.bulk_create(self.marks)
        Answer.objects.bulk_update(self.answers.values(), SETTLED_FIELDS)


def build(seed: int = 2026) -> MarkedExam:
    """Store the exam with all its rows, and users who do not exist yet."""
    exam, _ = definitions.load(definition())
    exam.become(Exam.Status.MARKING)
    MarkingPolicy.objects.update_or_create(
        exam=exam,
        defaults={"machine_final": True, "tolerance": 1, "target_agreement": 0.9},
    )
    writer = Writer(seed)
    _hand_in(exam, writer)
    markers = [make_user(f"marker-{name}", "marker", staff=True) for name in ("a", "b")]
    adjudicator = make_user("adjudicator-c", "adjudicator", staff=True)
    first, second, _third = exam.questions.order_by("position", "pk")
    calibration = _calibrated(first)
    marked = MarkedExam(exam, markers, adjudicator, calibration)
    _examples(writer, marked, _answers(first)[:EXAMPLES])
    _settled(writer, marked, _answers(first)[EXAMPLES:SETTLED])
    _uncertain(writer, marked, _answers(first)[SETTLED:])
    _read_once(writer, marked, _answers(second)[:80])
    writer.write()
    return marked


def _hand_in(exam: Exam, writer: Writer) -> None:
    codes = list(exam.questions.values_list("code", flat=True))
    records = (
        (
            number,
            {
                "exam": exam.code,
                "candidate": f"c{number:04}",
                "answers": [{"question": code, "text": writer.text(number)} for code in codes],
            },
        )
        for number in range(CANDIDATES)
    )
    assert submissions.accept_all(records).accepted == CANDIDATES
    Answer.objects.filter(question__exam=exam).update(status=Answer.Status.SCORED)


def _answers(question: Question) -> list[Answer]:
    return list(question.answers.select_related("question").order_by("pk"))


def _calibrated(question: Question) -> Calibration:
    calibration = Calibration.objects.create(
        question=question,
        status=Calibration.Status.READY,
        sha256=hashlib.sha256(b"calibration").hexdigest(),
        model=MODEL,
        definition=question.digest,
        metrics={"examples": EXAMPLES, "folds": 5, "kappa": 0.84, "exact": 0.78, "mae": 0.27},
        fraction=1.0,
    )
    Promotion.objects.create(question=question, calibration=calibration, kind="automatic")
    question.calibration, question.threshold = calibration, 0.8
    question.save(update_fields=["calibration", "threshold"])
    return calibration


def _examples(writer: Writer, marked: MarkedExam, answers: Sequence[Answer]) -> None:
    """Examples marked by both markers; the calibration fitted to them repeats the final points."""
    examples, disputes = [], 0
    made_by = {"calibration": marked.calibration.sha256, "model": MODEL, "confidence": 0.97}
    for number, answer in enumerate(answers):
        at = FIRST_MONDAY - timedelta(days=7, minutes=-3 * number)
        truth = writer.random.choice((0, 1, 2, 3, 4, 4, 5, 6, 6))
        first, second = truth, writer.near(truth, 0.2)
        writer.mark(answer, "human", first, at, marker=marked.markers[0], seconds=31)
        writer.mark(answer, "human", second, at, marker=marked.markers[1], seconds=27)
        final, source, review = -(-(first + second) // 2), "human", "marked"
        if abs(first - second) > 1:
            disputes += 1
            final, source, review = first, "adjudicator", "adjudicated"
        writer.settle(answer, final_points=final, final_source=source, review=review, readings=2)
        if source == "adjudicator" and disputes % 2:
            writer.settle(answer, final_points=None, final_source="", review="disputed")
        elif source == "adjudicator":
            writer.mark(answer, "adjudicator", first, at, marker=marked.adjudicator)
        writer.mark(answer, "machine", final, FIRST_MONDAY, **made_by)
        if answer.final_source:
            guess, confidence = writer.near(final, 0.45), writer.random.uniform(0.45, 0.98)
            examples.append(
                Example(
                    calibration=marked.calibration,
                    answer=answer,
                    points=final,
                    predicted=guess,
                    confidence=confidence if guess == final else confidence * 0.8,
                )
            )
    Example.objects.bulk_create(examples)


def _settled(writer: Writer, marked: MarkedExam, answers: Sequence[Answer]) -> None:
    """Answers that the machine settled; the first were audited, six each working day."""
    made_by = {"calibration": marked.calibration.sha256, "model": MODEL}
    for number, answer in enumerate(answers):
        points = writer.random.choice((0, 2, 4, 4, 6, 6))
        sure = writer.random.uniform(0.8, 0.99)
        writer.mark(answer, "machine", points, FIRST_MONDAY, confidence=sure, **made_by)
        writer.settle(answer, final_points=points, final_source="machine")
        if number >= AUDITED:
            continue
        week, day = divmod(number // A_DAY, 5)
        at = FIRST_MONDAY + timedelta(weeks=week, days=day, hours=number % A_DAY)
        person_points = writer.near(points, 0.06 if week < 2 else 0.3)
        writer.mark(
            answer, "human", person_points, at, marker=marked.markers[number % 2], seconds=22
        )
        final = {"final_points": person_points, "final_source": "human", "review": "marked"}
        writer.settle(answer, review_reason="audit", **final)


def _uncertain(writer: Writer, marked: MarkedExam, answers: Sequence[Answer]) -> None:
    """Uncertain answers, half of which people marked."""
    made_by = {"calibration": marked.calibration.sha256, "model": MODEL}
    for number, answer in enumerate(answers):
        points, sure = writer.random.randint(0, 6), writer.random.uniform(0.3, 0.8)
        writer.mark(answer, "machine", points, FIRST_MONDAY, confidence=sure, **made_by)
        writer.settle(answer, review="queued", review_reason="uncertain", urgency=1 - sure)
        if number % 2:
            at = FIRST_MONDAY + timedelta(days=2, minutes=number)
            person_points = writer.near(points, 0.6)
            writer.mark(answer, "human", person_points, at, marker=marked.markers[1], seconds=35)
            writer.settle(answer, final_points=person_points, final_source="human", review="marked")


def _read_once(writer: Writer, marked: MarkedExam, answers: Sequence[Answer]) -> None:
    """Answers marked once by people, where the machine has no calibration."""
    for answer in answers:
        truth = writer.random.randint(0, 6)
        at = FIRST_MONDAY + timedelta(days=1)
        writer.mark(answer, "machine", writer.near(truth, 0.6), at, model=MODEL)
        writer.mark(answer, "human", truth, at, marker=marked.markers[0])
        writer.settle(answer, final_points=truth, final_source="human", review="marked")

"""An exam in marking, its markers and their answers, for tests of what people do."""

from typing import Any

from django.contrib.auth.models import Group, User

from scoring.exams import definitions
from scoring.intake import submissions
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Exam, Mark, Question

FULL = {"criteria": {"C1": 4, "C2": 2}}


def exam_in(state: str = "marking", code: str = "ROOM", **marking: Any) -> Exam:
    """Q1 of six points and two criteria, Q2 of two points in half steps."""
    criteria = [
        {"code": "C1", "label": "原因", "points": 4, "references": ["要件が変わった"]},
        {"code": "C2", "label": "対策", "points": 2, "references": ["合意する"]},
    ]
    half = [{"code": "C1", "label": "scope", "points": 2, "references": ["the scope grew"]}]
    exam, _ = definitions.load(
        {
            "code": code,
            "title": "午後I",
            "state": state,
            "marking": marking,
            "questions": [
                {"code": "Q1", "prompt": "理由は。", "max_points": 6, "criteria": criteria},
                {"code": "Q2", "prompt": "Why?", "max_points": 2, "step": 0.5, "criteria": half},
            ],
        }
    )
    return Exam.objects.get(pk=exam.pk)


def make_user(name: str, *roles: str) -> User:
    """A user of these roles, a marker where none are told."""
    user = User.objects.create_user(name)
    for role in roles or ("marker",):
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def answers_of(exam: Exam, *texts: str, question: str = "Q1") -> list[Answer]:
    """Handed in and scored without a confidence, so that people are asked."""
    first = exam.submissions.count() + 1
    records = [
        {
            "exam": exam.code,
            "candidate": f"c{number}",
            "answers": [{"question": question, "text": text}],
        }
        for number, text in enumerate(texts, first)
    ]
    outcome = submissions.take_all(enumerate(records, 1))
    assert not outcome.rejected, outcome.rejected
    found = list(Answer.objects.filter(submission__batch=outcome.batch).order_by("pk"))
    scored(found)
    return [Answer.objects.get(pk=one.pk) for one in found]


def scored(
    answers: list[Answer], points: float = 2, confidence: float | None = None, sha256: str = ""
) -> None:
    """The machine's marks, and what follows."""
    Answer.objects.filter(pk__in=[one.pk for one in answers]).update(status="scored")
    Mark.objects.bulk_create(
        Mark(
            answer=one,
            source="machine",
            points=points,
            confidence=confidence,
            calibration=sha256,
            model="m" * 64,
            definition=Question.objects.get(pk=one.question_id).digest,
            text_key=one.text_key,
        )
        for one in answers
    )
    settlement.settle([one.pk for one in answers])


def calibrated(exam: Exam, threshold: float | None = 0.9) -> Question:
    """Q1 with a calibration in use."""
    question = exam.questions.get(code="Q1")
    one = Calibration.objects.create(question=question, status="ready", sha256="c" * 64)
    Question.objects.filter(pk=question.pk).update(calibration=one, threshold=threshold)
    return Question.objects.get(pk=question.pk)


def fresh(answer: Answer) -> Answer:
    """As it now stands."""
    return Answer.objects.select_related("question__exam").get(pk=answer.pk)


def state(answer: Answer) -> tuple[float | None, str, str]:
    """Final points, their source, and the state of the review."""
    found = fresh(answer)
    points = None if found.final_points is None else float(found.final_points)
    return points, found.final_source, found.review

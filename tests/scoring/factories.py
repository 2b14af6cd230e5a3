"""An exam with status marking, users and answers, for tests of marking by people."""

from typing import Any

from django.contrib.auth.models import Group, User

from scoring.exams import definitions
from scoring.intake import submissions
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Exam, Mark, Question

FULL = {"criteria": {"C1": 4, "C2": 2}}


def exam_in(state: str = "marking", code: str = "ROOM", **marking: Any) -> Exam:
    """An exam with Q1, of six points and two criteria, and Q2, of two points in half steps."""
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
    """A user with these roles; a marker where none are named."""
    user = User.objects.create_user(name)
    for role in roles or ("marker",):
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def answers_of(exam: Exam, *texts: str, question: str = "Q1") -> list[Answer]:
    """Answers that were scored without a confidence, so that they are queued for people."""
    first = exam.submissions.count() + 1
    records = [
        {
            "exam": exam.code,
            "candidate": f"c{number}",
            "answers": [{"question": question, "text": text}],
        }
        for number, text in enumerate(texts, first)
    ]
    outcome = submissions.accept_all(enumerate(records, 1))
    assert not outcome.rejected, outcome.rejected
    answers = list(Answer.objects.filter(submission__batch=outcome.batch).order_by("pk"))
    scored(answers)
    return [fresh(answer) for answer in answers]


def scored(
    answers: list[Answer], points: float = 2, confidence: float | None = None, sha256: str = ""
) -> None:
    """Give the answers marks by the machine and settle them."""
    Answer.objects.filter(pk__in=[answer.pk for answer in answers]).update(status="scored")
    Mark.objects.bulk_create(
        Mark(
            answer=answer,
            source="machine",
            points=points,
            confidence=confidence,
            calibration=sha256,
            model="m" * 64,
            definition=Question.objects.get(pk=answer.question_id).digest,
            text_key=answer.text_key,
        )
        for answer in answers
    )
    settlement.settle([answer.pk for answer in answers])


def calibrated(exam: Exam, threshold: float | None = 0.9) -> Question:
    """Q1 with an active calibration."""
    question = exam.questions.get(code="Q1")
    calibration = Calibration.objects.create(question=question, status="ready", sha256="c" * 64)
    Question.objects.filter(pk=question.pk).update(calibration=calibration, threshold=threshold)
    return Question.objects.get(pk=question.pk)


def fresh(answer: Answer) -> Answer:
    """The answer as it now is in the database."""
    return Answer.objects.select_related("question__exam").get(pk=answer.pk)


def state(answer: Answer) -> tuple[float | None, str, str]:
    """Final points, their source, and the state of the review."""
    answer = fresh(answer)
    points = None if answer.final_points is None else float(answer.final_points)
    return points, answer.final_source, answer.review

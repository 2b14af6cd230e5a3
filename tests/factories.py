"""Exams, people, answers and marks, for tests of what is done with them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import Group, User

from pmscoring.base.roles import ROLES
from scoring.exams import definitions
from scoring.intake import submissions
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Exam, Mark, Question
from tests.paths import EXAMPLES

SUPERUSER, CANDIDATE = "superuser", "candidate-4711"
FULL = {"criteria": {"C1": 4, "C2": 2}}
"""All points of Q1 of `exam_in`, as a marker gives them."""
GOOD, FAIR, NONE = "要件が変わったから", "要件", "天気がよかった"
"""Texts of four, two and no points where `marked_by_people` or the fake service marks them."""


def make_user(name: str, *roles: str, staff: bool = False) -> User:
    """The user of this name, with these roles and no other; made where there is none.

    Without roles the name says the role, as in `make_user("exam manager")` or
    `make_user("superuser")`; any other name is a marker's.
    """
    is_superuser = name == SUPERUSER
    if not roles and not is_superuser:
        roles = (name,) if name in ROLES else ("marker",)
    user, _ = User.objects.update_or_create(
        username=name.replace(" ", "-"),
        defaults={"is_staff": staff, "is_superuser": is_superuser},
    )
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return user


def example_definition() -> dict[str, Any]:
    """The first valid definition of exam.json: its question Q1 has the criteria C1 and C2."""
    valid = json.loads((EXAMPLES / "exam.json").read_text("utf-8"))["valid"]
    definition: dict[str, Any] = valid[0]["value"]
    return definition


EXAM = example_definition()
"""To read; tests that change a definition take `example_definition()`."""


def example_exam() -> Exam:
    """The example definition, loaded."""
    return definitions.load(example_definition())[0]


def example_question() -> Question:
    """Q1 of the example exam, which has the status trial."""
    exam, _ = definitions.load(example_definition() | {"state": "trial"})
    return exam.questions.get(code="Q1")


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


def submission(
    candidate: str, text: str, exam: str = "PM-2026", question: str = "Q1", **more: Any
) -> dict[str, Any]:
    """What a client hands in: one answer, by default to Q1 of the example."""
    answers = [{"question": question, "text": text}]
    return {"exam": exam, "candidate": candidate, "answers": answers, **more}


def submitted_answer(exam: Exam, text: str, candidate: str = CANDIDATE) -> Answer:
    """A new answer to Q1, waiting to be scored."""
    result = submissions.accept(submission(candidate, text, exam.code))
    assert not isinstance(result, list), result
    return result[0].answers.get()


def hand_in(
    question: Question, texts: Iterable[str], first: int = 0, candidate: str = "c{}"
) -> list[Answer]:
    """A waiting answer of each text, each by a candidate of its own, numbered from `first`."""
    records = [
        submission(candidate.format(number), text, question.exam.code, question.code)
        for number, text in enumerate(texts, first)
    ]
    outcome = submissions.accept_all(enumerate(records, 1))
    assert not outcome.rejected, outcome.rejected
    return list(Answer.objects.filter(batch=outcome.batch).order_by("pk"))


def answers_of(exam: Exam, *texts: str, question: str = "Q1") -> list[Answer]:
    """Answers that were scored without a confidence, so that they are queued for people."""
    answers = hand_in(exam.questions.get(code=question), texts, exam.submissions.count() + 1)
    scored(answers)
    return [fresh(answer) for answer in answers]


def scored(
    answers: Sequence[Answer],
    points: float = 2,
    confidence: float | None = None,
    sha256: str = "",
    flags: Sequence[str] = (),
) -> None:
    """Give the answers marks by the machine, and settle them."""
    keys = [answer.pk for answer in answers]
    with_flags = {"flags": list(flags)} if flags else {}
    Answer.objects.filter(pk__in=keys).update(status="scored", **with_flags)
    Mark.objects.bulk_create(
        Mark(
            answer=answer,
            source="machine",
            points=points,
            confidence=confidence,
            flags=list(flags),
            calibration=sha256,
            model="m" * 64,
            definition=Question.objects.get(pk=answer.question_id).digest,
            text_key=answer.text_key,
        )
        for answer in answers
    )
    settlement.settle(keys)


def marked_with_evidence(
    answer: Answer,
    *evidence: tuple[str, int, int],
    doubts: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> Mark:
    """The answer scored, with one point for each criterion that has evidence (code, start, end).

    Each of the criteria has the `doubts`.
    """
    codes = dict.fromkeys(code for code, _, _ in evidence)
    criteria = [
        {
            "code": code,
            "points": 1,
            "evidence": [{"start": s, "end": e} for name, s, e in evidence if name == code],
            "doubts": list(doubts),
        }
        for code in codes
    ]
    Answer.objects.filter(pk=answer.pk).update(status="scored", flags=more.get("flags", []))
    return Mark.objects.create(
        answer=answer,
        source="machine",
        points=len(codes),
        criteria=criteria,
        model="f00dfeed" * 8,
        definition=answer.question.digest,
        **more,
    )


def marked_by_people(answers: Sequence[Answer], points: Sequence[float], **more: Any) -> None:
    """Give each answer a mark by a person, and settle it."""
    marker, _ = User.objects.get_or_create(username="marker")
    Mark.objects.bulk_create(
        Mark(
            answer=answer,
            source="human",
            marker=marker,
            points=value,
            definition=answer.question.digest,
            text_key=answer.text_key,
            **more,
        )
        for answer, value in zip(answers, points, strict=True)
    )
    settlement.settle(answer.pk for answer in answers)


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
    now = fresh(answer)
    points = None if now.final_points is None else float(now.final_points)
    return points, now.final_source, now.review

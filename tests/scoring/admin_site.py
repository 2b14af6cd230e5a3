"""The admin as someone signed in sees it, with an exam, an answer and marks to look at."""

import json
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client

from scoring.exams import definitions
from scoring.intake import submissions
from scoring.models import Answer, Exam, Mark
from tests.paths import EXAMPLES

CANDIDATE = "candidate-4711"


def make_staff(role: str, staff: bool = True) -> User:
    """A user of the role, or a superuser."""
    name = role.replace(" ", "-")
    user = User.objects.create_user(name, is_staff=staff, is_superuser=role == "superuser")
    if role != "superuser":
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def signed_in(role: str, language: str = "en") -> Client:
    """A browser of theirs."""
    client = Client(headers={"Accept-Language": language})
    client.force_login(make_staff(role))
    return client


def example() -> dict[str, Any]:
    """A definition: question Q1 with the criteria C1 and C2."""
    valid = json.loads((EXAMPLES / "exam.json").read_text("utf-8"))["valid"]
    definition: dict[str, Any] = valid[0]["value"]
    return definition


def an_exam() -> Exam:
    """The example, loaded."""
    return definitions.load(example())[0]


def an_answer(exam: Exam, text: str, candidate: str = CANDIDATE) -> Answer:
    """Handed in to Q1, waiting."""
    answers = [{"question": "Q1", "text": text}]
    taken = submissions.take({"exam": exam.code, "candidate": candidate, "answers": answers})
    assert not isinstance(taken, list), taken
    return taken[0].answers.get()


def marked(answer: Answer, *evidence: tuple[str, int, int], **more: Any) -> Mark:
    """A machine's mark with a point for each piece of evidence; the answer is scored."""
    codes = dict.fromkeys(code for code, _, _ in evidence)
    criteria = [
        {
            "code": code,
            "points": 1,
            "evidence": [{"start": s, "end": e} for name, s, e in evidence if name == code],
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

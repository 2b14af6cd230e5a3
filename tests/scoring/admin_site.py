"""Signed-in clients for the admin, and an exam, answers and marks to show."""

import json
from typing import Any

from django.contrib.auth.models import Group, User
from django.forms import BaseForm
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
    """A browser in which a user of the role is signed in."""
    client = Client(headers={"Accept-Language": language})
    client.force_login(make_staff(role))
    return client


def form_data(browser: Client, address: str) -> dict[str, Any]:
    """What a browser sends for an unchanged change form: every field as shown, with CR LF."""
    context: Any = browser.get(address).context
    sets = [inline.formset for inline in context["inline_admin_formsets"]]
    forms: list[BaseForm] = [context["adminform"].form]
    forms += [form for formset in sets for form in (formset.management_form, *formset.forms)]
    return {
        bound.html_name: str(bound.value()).replace("\n", "\r\n")
        for form in forms
        for bound in form
        if bound.value() is not None and bound.value() is not False
    }


def example() -> dict[str, Any]:
    """The first valid definition of exam.json: its question Q1 has the criteria C1 and C2."""
    valid = json.loads((EXAMPLES / "exam.json").read_text("utf-8"))["valid"]
    definition: dict[str, Any] = valid[0]["value"]
    return definition


def an_exam() -> Exam:
    """The example definition, loaded."""
    return definitions.load(example())[0]


def an_answer(exam: Exam, text: str, candidate: str = CANDIDATE) -> Answer:
    """A new answer to Q1, waiting to be scored."""
    answers = [{"question": "Q1", "text": text}]
    result = submissions.accept({"exam": exam.code, "candidate": candidate, "answers": answers})
    assert not isinstance(result, list), result
    return result[0].answers.get()


def marked(answer: Answer, *evidence: tuple[str, int, int], **more: Any) -> Mark:
    """The answer scored, with one point for each criterion that has evidence (code, start, end)."""
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

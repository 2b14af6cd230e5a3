"""Clients, the example exam and request bodies for tests of the REST API."""

import io
import json
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client

from scoring.models import ApiToken
from tests.paths import EXAMPLES

EXAM = json.loads((EXAMPLES / "exam.json").read_text("utf-8"))["valid"][0]["value"]
JSON = "application/json"
NDJSON = "application/x-ndjson"


def user_with(*roles: str) -> User:
    """A user named for the first role."""
    user, _ = User.objects.get_or_create(username=roles[0].replace(" ", "-"))
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return user


def client_for(*roles: str) -> Client:
    """A client with the token of a user with these roles."""
    _, secret = ApiToken.issue(user_with(*roles))
    return Client(headers={"Authorization": f"Bearer {secret}"})


def submission(candidate: str, text: str, **more: Any) -> dict[str, Any]:
    """A submission with one answer, to Q1 of the example exam."""
    answers = [{"question": "Q1", "text": text}]
    return {"exam": "PM-2026", "candidate": candidate, "answers": answers, **more}


def lines(*records: Any) -> str:
    """Records as NDJSON."""
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records)


def named(name: str, data: bytes) -> io.BytesIO:
    """A file of this name to upload."""
    file = io.BytesIO(data)
    file.name = name
    return file

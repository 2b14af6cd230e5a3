"""The shipped sample exam, for a first look: its definition and its answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from scoring.exams import definitions, states
from scoring.intake import submissions
from scoring.models import Exam

SAMPLE = Path(__file__).parents[1] / "sample"


@transaction.atomic
def load(by: User | None = None) -> tuple[Exam, set[int]]:
    """Load the sample exam on trial; the keys of its questions that now have answers waiting.

    Changes nothing where the sample is there already, whatever its state is.
    """
    definition = json.loads((SAMPLE / "exam.json").read_text("utf-8"))
    if present := Exam.objects.filter(code=definition["code"]).first():
        return present, set()
    exam, _created = definitions.load(definition, by=by)
    outcome = submissions.accept_all(_answers())
    states.become(exam, Exam.Status.TRIAL, by=by)
    return exam, outcome.questions


def _answers() -> Iterator[tuple[int, dict[str, Any]]]:
    with (SAMPLE / "answers.jsonl").open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            yield number, json.loads(line)

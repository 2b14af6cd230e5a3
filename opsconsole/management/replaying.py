"""Policies run over recorded samples, for the command line.

A file has a JSON object on each line: {environment, service, at, content}, as rows of samples are.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

from opsconsole.management.ops_command import USAGE
from opsconsole.models import Environment, ScalingPolicy, ScalingSample
from opsconsole.scaling import words
from opsconsole.scaling.calendar import floors
from opsconsole.scaling.policies import document_of, shape_of
from opsconsole.scaling.recorded import sample_of
from opsconsole.scaling.replay import Step, replay
from opsconsole.scaling.shapes import Action, Sample

Samples = dict[tuple[str, str], list[Sample]]
"""By the code of the environment, and the service."""


def samples_between(start: datetime, end: datetime) -> Samples:
    """Of the interval, those of one moment alone."""
    rows = ScalingSample.objects.full().between(start, end).select_related("environment")
    return _grouped(rows)


def samples_in(path: str) -> Samples:
    """Of a file; raises CommandError where it is none, or a line of it is no sample."""
    codes = {row.code: row for row in Environment.objects.kept()}
    try:
        with open(path, encoding="utf-8") as file:
            rows = [_row(json.loads(line), codes) for line in file if line.strip()]
        return _grouped(rows)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", returncode=USAGE) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} has a line that is no sample: {error}") from error


def _row(line: dict[str, Any], codes: dict[str, Environment]) -> ScalingSample:
    """Raises KeyError for an environment that is not here."""
    at = moment_of(line["at"])
    return ScalingSample(
        environment=codes[line["environment"]],
        service=line["service"],
        at=at,
        content=line["content"],
    )


def _grouped(rows: Iterable[ScalingSample]) -> Samples:
    samples: Samples = {}
    for row in rows:
        samples.setdefault((row.environment.code, row.service), []).append(sample_of(row))
    return samples


def replayed(samples: Samples, *, explain: bool) -> list[dict[str, Any]]:
    """Of each policy that has samples, what came of it and what would have come of it."""
    policies = ScalingPolicy.objects.at_work().select_related("environment")
    return [
        _replayed(row, samples[row.environment.code, row.service], explain=explain)
        for row in policies
        if (row.environment.code, row.service) in samples
    ]


def _replayed(row: ScalingPolicy, samples: list[Sample], *, explain: bool) -> dict[str, Any]:
    """Raises CommandError for a row that is no policy."""
    try:
        policy = shape_of(row)
    except ValidationError as error:
        raise CommandError(f"{row}: {'; '.join(error.messages)}") from error
    done = replay(
        policy,
        samples,
        floors=lambda at: floors(row.service, at, row.startup_seconds),
        startup=row.startup_seconds,
    )
    steps = [step for step in done.steps if explain or _is_change(step)]
    return {
        "environment": row.environment.code,
        "service": row.service,
        "samples": len(done.steps),
        "capacity": done.capacity,
        "late_after": done.late_after,
        "recorded": asdict(done.recorded),
        "replayed": asdict(done.replayed),
        "decisions": [_document(step) for step in steps],
    }


def _is_change(step: Step) -> bool:
    return step.decision.action in (Action.UP, Action.DOWN)


def _document(step: Step) -> dict[str, Any]:
    known = document_of(step.decision)
    return {**known, "reason": words.reason(known), "recorded": step.recorded}


def moment_of(word: str) -> datetime:
    """A time, in the installation's zone where it names none; raises CommandError."""
    try:
        at = parse_datetime(word)
    except ValueError:
        at = None
    if at is None:
        raise CommandError(f"{word} is no time such as 2026-11-29T09:00", returncode=USAGE)
    return make_aware(at) if is_naive(at) else at

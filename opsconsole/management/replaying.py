"""Recorded samples for the command line: policies run over them, and files of them.

A file has a JSON object on each line: {environment, service, at, content}, as rows of samples are.
"""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
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
from opsconsole.scaling.recorded import UNREADABLE, line_of, sample_in, samples_of
from opsconsole.scaling.replay import Step, replay
from opsconsole.scaling.shapes import Action, Sample
from pmscoring.base.files import write_whole

Samples = dict[tuple[str, str], list[Sample]]
"""By the code of the environment, and the service."""


def samples_between(start: datetime, end: datetime) -> Samples:
    """Of the interval, those of one moment alone."""
    samples: Samples = {}
    for row in ScalingSample.objects.full().between(start, end).select_related("environment"):
        samples.setdefault((row.environment.code, row.service), []).extend(samples_of([row]))
    return samples


def samples_in(path: str) -> Samples:
    """Of a file; raises CommandError where it is none, or a line of it is no sample of ours."""
    codes = {row.code for row in Environment.objects.kept()}
    samples: Samples = {}
    try:
        with open(path, encoding="utf-8") as file:
            for code, sample in (sample_in(json.loads(line)) for line in file if line.strip()):
                if code not in codes:
                    raise ValueError(f"there is no environment {code}")
                samples.setdefault((code, sample.service), []).append(sample)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", returncode=USAGE) from error
    except UNREADABLE as error:
        raise CommandError(f"{path} has a line that is no sample: {error}") from error
    return samples


def exported(samples: Samples, path: str) -> list[dict[str, Any]]:
    """Write the file that `samples_in` reads; of each service, how many and of which time.

    Raises CommandError where it cannot be written.
    """
    lines = (_line(code, each) for (code, _service), of in samples.items() for each in of)
    try:
        write_whole(Path(path), lines)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", returncode=USAGE) from error
    return [
        {
            "environment": code,
            "service": service,
            "samples": len(of_service),
            "first": of_service[0].at,
            "last": of_service[-1].at,
        }
        for (code, service), of_service in samples.items()
    ]


def _line(code: str, sample: Sample) -> bytes:
    return json.dumps(line_of(code, sample), ensure_ascii=False).encode() + b"\n"


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
        floors=lambda at: floors(row.service, at, row.startup_seconds, row.environment.engine),
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

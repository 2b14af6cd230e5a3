"""Scenarios of what a real installation was seen to do: files of `autoscale --export`.

A recording says how much arrived between two samples, and what one replica can do. When each
request came within those seconds, and how their works differ, it does not say: the first is drawn
evenly, the second as in the other scenarios. Start-up times, slots and bounds are theirs too.
"""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from opsconsole.scaling.flow import arriving, capacity_of
from opsconsole.scaling.recorded import sample_in
from opsconsole.scaling.shapes import Sample
from tests.bench.autoscale.scenarios import HOUR, SPECS, Scenario

HERE = Path(__file__).with_name("recorded.jsonl")
"""Recorded in an installation of ours: docs/scaling.md says when and under which load."""
GAP_SECONDS = 60.0
LONG, COARSE, FINE = 4 * HOUR, 15.0, 2.5
"""Seconds of the oracle's steps: coarse ones for a recording that is long."""


def scenarios(path: Path) -> list[Scenario]:
    """One for each service in the file; raises ValueError where one cannot be made of it."""
    return [_scenario(service, samples) for service, samples in _read(path).items()]


def _read(path: Path) -> dict[str, list[Sample]]:
    services: dict[str, list[Sample]] = {}
    for line in path.read_text("utf-8").splitlines():
        _environment, sample = sample_in(json.loads(line))
        services.setdefault(sample.service, []).append(sample)
    return services


def _scenario(service: str, samples: Sequence[Sample]) -> Scenario:
    known, capacity = known_part(samples), capacity_of(samples)
    if len(known) < 2 or capacity is None:
        raise ValueError(f"{service}: arrivals, or what one replica can do, are not in the samples")
    seconds = (known[-1].at - known[0].at).total_seconds()
    return Scenario(
        f"recorded {service}",
        service,
        seconds,
        _drawn(known),
        step=COARSE if seconds > LONG else FINE,
        begin=known[0].wanted,
        work=SPECS[service].slots / capacity,
    )


def known_part(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The longest part in which all arrivals after its first sample are known."""
    longest: list[Sample] = []
    present: list[Sample] = []
    for sample in samples:
        if present and not _follows(present[-1], sample):
            present = []
        present.append(sample)
        longest = max(longest, present, key=len)
    return longest


def _follows(before: Sample, sample: Sample) -> bool:
    seconds = (sample.at - before.at).total_seconds()
    return arriving(sample) is not None and 0 < seconds <= GAP_SECONDS


def _drawn(known: Sequence[Sample]) -> Callable[[np.random.Generator], list[float]]:
    """Arrivals in seconds since the first sample, as many in each interval as were counted."""
    edges = [(sample.at - known[0].at).total_seconds() for sample in known]
    counts = [
        round((arriving(sample) or 0.0) * (end - start))
        for sample, (start, end) in zip(known[1:], pairwise(edges), strict=True)
    ]

    def draw(random: np.random.Generator) -> list[float]:
        each = [
            random.uniform(start, end, count)
            for count, (start, end) in zip(counts, pairwise(edges), strict=True)
        ]
        arrivals: list[float] = np.sort(np.concatenate(each)).tolist()
        return arrivals

    return draw

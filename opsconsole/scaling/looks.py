"""What an engine and scoring said at one time, for the samples of all services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from opsconsole.engines.base import Engine, Service, Usage
from opsconsole.models import Environment
from opsconsole.scaling.shapes import Reading
from pmscoring.base import published_load


@dataclass(frozen=True)
class Look:
    """One look. `load` is what scoring has published of late; empty where nothing is known.

    `began` is when `at` was, in seconds of time.monotonic. `answers` is what Prometheus has said to
    expressions.
    """

    environment: Environment
    engine: Engine
    at: datetime
    services: Mapping[str, Service]
    usage: Mapping[str, Usage]
    load: Mapping[str, Any]
    began: float
    answers: Mapping[str, Reading] = field(default_factory=dict)

    def counted(self, total: float) -> tuple[float, float]:
        """A running total that was read just now, and when that was, in seconds since 1970.

        The engine and other environments come first, and take now more time and now less: a rate
        by the times of the looks would go up and down under a steady load.
        """
        return total, self.at.timestamp() + monotonic() - self.began


def rate(now: Sequence[float], before: Sequence[float]) -> float:
    """A second, between two totals of `counted`."""
    return round((now[0] - before[0]) / (now[1] - before[1]), 3)


def look(
    environment: Environment, engine: Engine, at: datetime, began: float | None = None
) -> Look:
    """Look at all containers at once; raises EngineError.

    `began` is when `at` was, in seconds of time.monotonic; by default that is now. The load of
    another environment is in a cache of its own, which nobody else reaches.
    """
    began = monotonic() if began is None else began
    services = {service.name: service for service in engine.services()}
    load = published_load.read() if environment.is_here else {}
    return Look(environment, engine, at, services, engine.usage(), load, began)

"""Figures that an app has Prometheus told, so that the project names no app's models."""

from collections.abc import Callable, Iterable

from prometheus_client import Metric

Collects = Callable[[], Iterable[Metric]]
_collects: dict[str, Collects] = {}


def register(app: str, collect: Collects) -> None:
    """Let `collect` be called for each scrape, with a connection to the database."""
    _collects[app] = collect


def collect() -> list[Metric]:
    """The figures of all apps; what one of them raises passes through."""
    return [metric for collect in _collects.values() for metric in collect()]

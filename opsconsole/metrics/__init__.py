"""What Prometheus is told of the console, from the rows, each time that it asks.

What has not happened yet has no series: missing, and never 0. Only what is counted is told from 0
on, so that the first one is seen as an increase.
"""

from collections.abc import Iterator

from prometheus_client import Metric

from opsconsole.metrics import backups, environments, scaling

NAMES = backups.NAMES | environments.NAMES | scaling.NAMES


def collect() -> Iterator[Metric]:
    """The families of NAMES that have a sample."""
    yield from backups.collect()
    yield from environments.collect()
    yield from scaling.collect()

"""An engine in memory whose replicas use CPU, and samples of it kept as a turn keeps them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from opsconsole.engines.base import Counted, Usage
from opsconsole.models import Environment, ScalingSample
from opsconsole.scaling import sampling
from opsconsole.scaling.recorded import content_of
from opsconsole.scaling.shapes import Sample
from tests.opsconsole.engines.fake import Fake

TICK = timedelta(seconds=15)


class Machine(Fake):
    """An engine with four CPUs that counts what its replicas use. `cores` by service."""

    def __init__(self) -> None:
        super().__init__()
        self.cores = {"web": 0.5}
        self.limit: float | None = 2.0
        self.memory_limit: int | None = 2**30
        self.counted: dict[str, Counted] = {}

    def web(self, number: int) -> str:
        """The id of the first or the second replica of web."""
        return self.services_["web"].replicas[number - 1].id

    def tick(self, after: timedelta = TICK) -> None:
        """Time goes by, and the replicas use their cores."""
        self.now += after
        seconds = after.total_seconds()
        for service in self.services_.values():
            for replica in service.replicas:
                cores = self.cores.get(service.name, 0.0)
                before = self.counted.get(replica.id, Counted(1.0, 1000.0))
                self.counted[replica.id] = replace(
                    before, cpu=before.cpu + cores * seconds, system=before.system + 4 * seconds
                )

    def usage(self) -> dict[str, Usage]:
        """Totals alone: this object has never looked before."""
        self._step("usage")
        return {
            key: Usage(None, 2**20, self.limit, self.memory_limit, counted=replace(counted, cpus=4))
            for key, counted in self.counted.items()
        }


def take(
    environment: Environment, engine: Fake, service: str = "web", queries: Sequence[str] = ()
) -> Sample:
    """One sample, kept as a turn keeps it."""
    sample = sampling.sample(environment, engine, service, queries, engine.now)
    ScalingSample.objects.create(
        environment=environment, service=service, at=engine.now, content=content_of(sample)
    )
    return sample

"""The balancers' lines since a moment, each of them read once."""

from datetime import datetime

from opsconsole.engines import traffic
from opsconsole.engines.base import Engine, State

BALANCER = "haproxy"
MOST_LINES = 200_000


class Lines:
    """`read` may be called again and again while requests come in; raises EngineError."""

    def __init__(self, engine: Engine, since: datetime) -> None:
        self.engine, self.since = engine, since
        self.requests: list[traffic.Request] = []
        self._until: dict[str, tuple[datetime, int]] = {}

    def read(self) -> list[traffic.Request]:
        """All requests since the beginning."""
        for service in self.engine.services():
            for replica in service.replicas:
                if service.name == BALANCER and replica.state is State.RUNNING:
                    self.requests += traffic.requests(self._new(replica.id))
        return self.requests

    def _new(self, replica: str) -> list[str]:
        """Several lines may be of one moment, and more of it may come: those read are counted."""
        until, known = self._until.get(replica, (self.since, 0))
        lines, last, of_last = [], until, 0
        for at, text in self.engine.logs(replica, tail=MOST_LINES, since=until):
            if at < until:
                continue
            of_last = of_last + 1 if at == last else 1
            if at > until or of_last > known:
                lines.append(text)
            last = at
        self._until[replica] = (last, max(of_last, known) if last == until else of_last)
        return lines

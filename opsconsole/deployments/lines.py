"""The balancers' lines since a moment, each of them read once."""

from collections.abc import Iterable
from datetime import datetime

from opsconsole.engines import traffic
from opsconsole.engines.base import MOST_LINES, Engine, Replica, State

BALANCER = "haproxy"


def failed_since(engine: Engine, since: datetime) -> int | None:
    """How many requests failed since then, whoever was to answer; raises EngineError.

    None where that is not known: no balancer runs, or the log of one begins only later. It is
    rotated, and that of a balancer that was replaced has gone with it. So all of it is read, back
    to a line of before.
    """
    failed = 0
    balancers = list(_balancers(engine))
    for replica in balancers:
        lines = list(engine.logs(replica.id, tail=MOST_LINES))
        if not lines or lines[0][0] > since:
            return None
        requests = traffic.requests(text for at, text in lines if at >= since)
        failed += sum(request.failed for request in requests)
    return failed if balancers else None


def _balancers(engine: Engine) -> Iterable[Replica]:
    return (
        replica
        for service in engine.services()
        for replica in service.replicas
        if service.name == BALANCER and replica.state is State.RUNNING
    )


class Lines:
    """`read` may be called again and again while requests come in; raises EngineError."""

    def __init__(self, engine: Engine, since: datetime) -> None:
        self.engine, self.since = engine, since
        self.requests: list[traffic.Request] = []
        self._until: dict[str, tuple[datetime, int]] = {}

    def read(self) -> list[traffic.Request]:
        """All requests since the beginning."""
        for replica in _balancers(self.engine):
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

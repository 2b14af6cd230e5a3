"""Lines of the balancer are read once each."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

from opsconsole.deployments.lines import Lines, failed_since
from opsconsole.engines.base import MOST_LINES
from opsconsole.engines.containers import Containers
from opsconsole.engines.daemon import Daemon
from tests.opsconsole.engines.fake import Fake


def test_each_request_is_counted_once_though_many_are_of_one_moment() -> None:
    fake = Fake()
    lines = Lines(fake, fake.now)
    fake.serve(3, every=timedelta(0))
    assert len(lines.read()) == 3
    assert len(lines.read()) == 3
    fake.serve(2, every=timedelta(0))
    assert len(lines.read()) == 5
    fake.serve(4)
    assert len(lines.read()) == 9
    assert len(lines.read()) == 9
    fake.serve(1)
    assert len(lines.read()) == 10


def test_what_was_before_does_not_count() -> None:
    fake = Fake()
    fake.serve(5)
    assert Lines(fake, fake.now).read() == []


def test_all_that_failed_since_the_beginning_are_counted_however_many_requests_came() -> None:
    fake = Fake()
    began = fake.now
    fake.sicken(fake.running("web")[0].id)
    assert fake.serve(50) == 50
    fake.restart(fake.running("web")[0].id)
    fake.serve(15_000)
    assert failed_since(fake, began) == 50
    assert failed_since(fake, fake.now) == 0


def test_where_the_log_begins_later_nobody_can_tell() -> None:
    fake = Fake()
    began = fake.now
    fake.serve(10)
    fake.lines = fake.lines[-5:]
    assert failed_since(fake, began) is None
    fake.lines = []
    assert failed_since(fake, began) is None


def test_where_no_balancer_runs_nobody_can_tell() -> None:
    fake = Fake()
    fake.services_["haproxy"].replicas.clear()
    assert failed_since(fake, fake.now) is None


class Log:
    """A container's log of so many lines, as the engine gives the end of it."""

    def __init__(self, count: int) -> None:
        self.began = datetime.now(UTC)
        self.count, self.api, self.slow_api = count, self, self

    def ask(self, question: Callable[[], bytes]) -> bytes:
        return question()

    def logs(self, _container: str, *, tail: int, **_options: object) -> bytes:
        each = timedelta(milliseconds=1)
        numbers = range(max(self.count - tail, 0), self.count)
        return "\n".join(
            f"{(self.began + each * n).isoformat()} line {n}" for n in numbers
        ).encode()


def test_the_engine_gives_all_of_a_log_that_is_asked_for() -> None:
    log = Log(15_000)
    containers = Containers(cast("Daemon", log), "pms", {})
    lines = list(containers.logs("haproxy", MOST_LINES, None))
    assert (len(lines), lines[0][1]) == (15_000, "line 0")

"""The contract of engines, kept by the embedded installation's supervisord; it deploys nothing."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from opsconsole.engines.base import Engine, NotSupported, Replica, Version
from opsconsole.engines.embedded import Embedded
from pmscoring.embedded.parts import Part
from pmscoring.embedded.supervisor import Supervisor
from tests.local_servers import free_port
from tests.opsconsole.engines import contract, sockets
from tests.opsconsole.engines.contract import WEB, ids, nothing, service
from tests.waiting import wait_until

PASSWORD = "a-password-100%-secret"
UNCHECKED = "sleeper"


class EmbeddedLab:
    """Three small web servers, of which the third stands by, and a program without a check."""

    unchecked = UNCHECKED

    def __init__(self, folder: Path) -> None:
        self.folder, self.run = folder, folder / "run"
        for name in ("run", "log"):
            (folder / name).mkdir()
        self.port = free_port()
        self.supervisor = Supervisor(self.run, folder / "log", self.port, PASSWORD)
        self.engine: Engine = Embedded(self.run)

    def start(self) -> None:
        """All but the one that stands by."""
        parts = [self._web(name) for name in (WEB, f"{WEB}-2", f"{WEB}-3")]
        parts.append(Part(UNCHECKED, ["sleep", "600"], rank=1))
        self.supervisor.launch(parts, dict(os.environ))
        for name in (WEB, f"{WEB}-2", UNCHECKED):
            self.supervisor.start(name)

    def _web(self, name: str) -> Part:
        port, folder = free_port(), self.folder / name
        folder.mkdir()
        serve = f"{sys.executable} -u -m http.server -b 127.0.0.1 -d {folder} {port}"
        return Part(
            name,
            ["sh", "-c", f"touch {folder}/ok; exec {serve}"],
            rank=1,
            starting_seconds=1,
            check=f"http://127.0.0.1:{port}/ok",
        )

    def sicken(self, replica: Replica) -> None:
        """Let its check find no page."""
        (self.folder / replica.name / "ok").unlink()

    def says(self, replica: Replica, line: str) -> None:
        """Write to its output, which supervisord reads."""
        pid = self.supervisor.info()[replica.id]["pid"]
        Path(f"/proc/{pid}/fd/1").write_text(f"{line}\n")

    @contextmanager
    def away(self) -> Iterator[Engine]:
        """Nothing runs, and so there is no configuration."""
        yield Embedded(self.folder / "nowhere")

    @contextmanager
    def hanging(self) -> Iterator[Engine]:
        """The configuration names a port that is never answered."""
        with sockets.silent_tcp() as port:
            yield self._at(port)

    @contextmanager
    def slow(self) -> Iterator[Engine]:
        """The configuration names a port behind which everything waits."""
        with sockets.slow_tcp(self.port, seconds=1.0) as port:
            yield self._at(port)

    def _at(self, port: int) -> Engine:
        run = self.folder / f"run-{port}"
        shutil.copytree(self.run, run)
        path = run / "supervisord.conf"
        path.write_text(path.read_text().replace(f"127.0.0.1:{self.port}", f"127.0.0.1:{port}"))
        return Embedded(run)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedLab]:
    made = EmbeddedLab(tmp_path_factory.mktemp("embedded"))
    try:
        made.start()
        yield made
    finally:
        made.supervisor.shut_down()


class TestSeeing(contract.Seeing):
    """The contract's."""


class TestOperating(contract.Operating):
    """The contract's."""


class TestRunning(contract.Running):
    """The contract's."""


def test_what_stands_by_is_no_replica(lab: EmbeddedLab) -> None:
    assert ids(lab.engine) == {WEB, f"{WEB}-2"}
    assert service(lab.engine).wanted == 2


@pytest.mark.parametrize("count", [0, 4])
def test_it_scales_within_what_there_is(lab: EmbeddedLab, count: int) -> None:
    with pytest.raises(NotSupported, match="1 to 3"):
        lab.engine.scale(WEB, count)
    assert len(ids(lab.engine)) == 2


def test_it_deploys_nothing_and_says_so(lab: EmbeddedLab) -> None:
    version = Version("2", {})
    for deed in (
        lambda: lab.engine.pull("an-image", nothing, nothing),
        lambda: lab.engine.recreates(version),
        lambda: lab.engine.roll(WEB, version, judge=nothing, alive=nothing),
        lambda: lab.engine.lay_out(version, nothing, nothing),
        lambda: lab.engine.remove(nothing),
    ):
        with pytest.raises(NotSupported, match="deploys nothing"):
            deed()


def test_one_that_died_is_told_with_its_exit_status(lab: EmbeddedLab) -> None:
    contract.wait_healthy(lab.engine)
    began = datetime.now(UTC)
    restarts = {one.id: one.restarts for one in contract.replicas(lab.engine)}
    psutil.Process(lab.supervisor.info()[WEB]["pid"]).kill()

    def told() -> bool:
        now = datetime.now(UTC)
        happened = lab.engine.happenings(began.replace(microsecond=0), now)
        return any(one.what == "died" and "SIGKILL" in one.says for one in happened)

    wait_until(told, 20, "its death is told")
    contract.wait_healthy(lab.engine)
    after = {one.id: one.restarts for one in contract.replicas(lab.engine)}
    assert after == {**restarts, WEB: restarts[WEB] + 1}


def test_no_error_tells_the_password(lab: EmbeddedLab) -> None:
    with lab.hanging() as engine, pytest.raises(Exception) as caught:  # noqa: PT011
        engine.services()
    texts = []
    error: BaseException | None = caught.value
    while error:
        texts.append(repr(error))
        error = error.__cause__
    assert PASSWORD not in "".join(texts)

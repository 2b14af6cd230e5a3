"""The embedded installation: in order up, in order down, again when killed, nothing left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from pmscoring.embedded.deaths import FROM_DEATHS
from pmscoring.embedded.leftovers import end_leftovers, remember, remembered, start_time
from tests.local_servers import Servers
from tests.paths import ROOT

PROGRAM = '''
import os, signal, sys
from pathlib import Path
from pmscoring.embedded.folders import make_folders
from pmscoring.embedded.parts import Part
from pmscoring.embedded.ports import chosen_ports
from pmscoring.embedded.leftovers import end_leftovers
from pmscoring.embedded.lock import exclusive
from pmscoring.embedded.running import DiesTooOften, Installation, running
from pmscoring.embedded.signals import StopRequested, listen_to_signals
from pmscoring.embedded.supervisor import Supervisor

var, dies = Path(sys.argv[1]), "dies" in sys.argv
say = lambda sentence: print(sentence, flush=True)
body = var / "part.py"
body.write_text("""
import signal, sys, time
from pathlib import Path
def end(*_):
    with open("order", "a") as order:
        print("end", sys.argv[1], file=order)
    sys.exit()
signal.signal(signal.SIGTERM, end)
with open("order", "a") as order:
    print("begin", sys.argv[1], file=order)
Path(sys.argv[1] + ".up").touch()
time.sleep(0 if sys.argv[2:] else 600)
""")
class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
def part(name, rank, *words):
    answers = (var / f"{name}.up").exists
    return Part(name, [sys.executable, str(body), name, *words], rank, answers, directory=var)
last = part("last", 1, "dies") if dies else part("last", 1)
run, logs = make_folders(var)
listen_to_signals()
with exclusive(run):
    for sentence in end_leftovers(run):
        say(sentence)
    port = chosen_ports({"supervisor": 0})["supervisor"]
    supervisor = Supervisor(run, logs, port, "secret")
    spare = Part("spare", [sys.executable, str(body), "spare"], 1, directory=var, standby=True)
    parts = [part("first", 0), part("middle", 2), last, spare]
    installation = Installation(supervisor, parts, say)
    try:
        with running(installation, {"PATH": "/usr/bin:/bin"}, None):
            say("ready")
            installation.watch(over=lambda: bool("finalizer" in sys.argv and not Finalized()))
    except StopRequested:
        sys.exit(0)
    except DiesTooOften as error:
        say(error)
        sys.exit(1)
'''


class Started:
    """Three small parts in a process of their own; they write to the file `order`."""

    def __init__(self, var: Path, *words: str) -> None:
        self.var = var
        self.output = (var / "output").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(var), *words],
            cwd=ROOT,
            stdout=self.output,
            stderr=self.output,
        )

    def said(self) -> str:
        return (self.var / "output").read_text("utf-8")

    def pid(self, name: str) -> int:
        found = remembered(self.var / "run", name)
        assert found, f"{name} is not remembered"
        return found[0]

    def console(self) -> Any:
        """Calls to supervisord, as the console makes them."""
        config = ConfigParser()
        config.read(self.var / "run" / "supervisord.conf")
        server = config["inet_http_server"]
        url = f"http://{server['username']}:{server['password']}@{server['port']}/RPC2"
        return xmlrpc.client.ServerProxy(url).supervisor

    def order(self) -> list[str]:
        return (self.var / "order").read_text("utf-8").splitlines()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def eventually(is_so: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.1)


def alive(pids: dict[str, int]) -> list[str]:
    return [name for name, pid in pids.items() if start_time(pid) is not None]


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """A folder for one installation; what a failed test leaves running in it is ended."""
    yield tmp_path
    list(end_leftovers(tmp_path / "run"))


@pytest.fixture
def started(var: Path) -> Iterator[Started]:
    """The small installation, ready."""
    installation = Started(var)
    eventually(lambda: "ready" in installation.said())
    yield installation
    if installation.process.poll() is None:
        installation.stop()


def test_it_starts_each_part_when_the_one_before_it_answers(started: Started) -> None:
    assert started.order() == ["begin first", "begin middle", "begin last"]


def test_it_stops_in_the_order_of_ranks_and_leaves_no_process(started: Started) -> None:
    pids = {name: started.pid(name) for name in ("supervisord", "first", "middle", "last")}

    assert started.stop() == 0

    assert started.order()[3:] == ["end middle", "end last", "end first"]
    assert alive(pids) == []
    assert not list((started.var / "run").glob("*.pid"))


def test_it_starts_a_killed_part_again(started: Started) -> None:
    before = started.pid("middle")

    os.kill(before, signal.SIGKILL)

    eventually(lambda: started.pid("middle") != before)
    eventually(lambda: started.order().count("begin middle") == 2)
    eventually(lambda: "middle has died" in started.said())
    assert started.process.poll() is None


def test_it_starts_what_stands_by_only_when_the_console_asks_and_stops_it(
    started: Started,
) -> None:
    assert "begin spare" not in started.order()

    started.console().startProcess("spare")
    eventually(lambda: "begin spare" in started.order())

    assert started.stop() == 0
    assert "end spare" in started.order()


def test_it_takes_no_restart_by_the_console_for_a_death(started: Started) -> None:
    console = started.console()
    for _ in range(FROM_DEATHS + 1):
        console.stopProcess("middle", True)
        console.startProcess("middle", False)
        eventually(lambda: console.getProcessInfo("middle")["statename"] == "RUNNING")

    os.kill(started.pid("last"), signal.SIGKILL)
    eventually(lambda: "last has died" in started.said())

    assert started.process.poll() is None
    assert "middle was told to stop" in started.said()
    assert "middle has died" not in started.said()


def test_it_gives_up_after_five_deaths_in_a_minute(var: Path) -> None:
    installation = Started(var, "dies")

    assert installation.process.wait(90) == 1

    assert "last has died 5 times in a minute" in installation.said()
    assert installation.order()[-2:] == ["end middle", "end first"]
    assert not list((var / "run").glob("*.pid"))


@pytest.mark.parametrize("supervisord_too", [False, True])
def test_it_ends_what_a_killed_start_left_over(var: Path, supervisord_too: bool) -> None:
    killed = Started(var)
    eventually(lambda: "ready" in killed.said())
    names = ["supervisord", "first", "middle", "last"]
    eventually(lambda: all(remembered(var / "run", name) for name in names))
    pids = {name: killed.pid(name) for name in names}
    killed.process.kill()
    killed.process.wait()
    if supervisord_too:
        os.kill(pids["supervisord"], signal.SIGKILL)
        eventually(lambda: start_time(pids["supervisord"]) is None)
    assert "middle" in alive(pids)

    following = Started(var)
    eventually(lambda: "ready" in following.said())

    found = "middle" if supervisord_too else "supervisord"
    assert f"{found} (process {pids[found]}) was left over" in following.said()
    assert alive(pids) == []
    assert following.stop() == 0


def test_it_heeds_a_signal_that_comes_while_an_object_is_finalized(var: Path) -> None:
    installation = Started(var, "finalizer")

    assert installation.process.wait(60) == 0

    assert "Exception ignored in" in installation.said()
    assert installation.order()[3:] == ["end middle", "end last", "end first"]


def test_it_refuses_a_second_start_in_the_same_folder(started: Started) -> None:
    second = Started(started.var)

    assert second.process.wait(30) == 1

    assert "is in use by another start" in second.said()
    assert started.process.poll() is None


def test_it_never_ends_a_process_that_began_at_another_time(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        remember(tmp_path, "worker", other.pid)
        (tmp_path / "worker.pid").write_text(f"{other.pid} 1\n", encoding="utf-8")

        assert list(end_leftovers(tmp_path)) == []

        assert other.poll() is None
        assert not (tmp_path / "worker.pid").exists()
        other.kill()


def test_it_offers_real_servers_and_stops_them(tmp_path: Path) -> None:
    with Servers(tmp_path, durable=False) as servers:
        pids = {str(process.pid): process.pid for process in servers.processes}
        with psycopg.connect(servers.database_url) as connection:
            row = connection.execute(
                "SELECT datcollate, pg_encoding_to_char(encoding), current_setting('timezone') "
                "FROM pg_database WHERE datname = 'pmscoring'"
            ).fetchone()
        assert row == ("C.UTF-8", "UTF8", "UTC")
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.set("key", "value")
        with redis.Redis.from_url(_with_another_password(servers.redis_url)) as stranger:
            assert not _welcome(stranger)

    assert alive(pids) == []


def _with_another_password(url: str) -> str:
    return "redis://:another@" + url.rpartition("@")[2]


def _welcome(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_it_keeps_the_data_of_a_durable_server() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # or root's PostgreSQL keeps them elsewhere
        with (
            Servers(folder) as servers,
            psycopg.connect(servers.database_url, autocommit=True) as connection,
        ):
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

        with Servers(folder) as servers, psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")
def test_it_finds_a_place_where_another_account_may_not_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    modes = {path: path.stat().st_mode for path in (*closed.parents, closed)}

    with Servers(closed / "var", durable=False) as servers:
        home = servers.home
        psycopg.connect(servers.database_url).close()
        assert not home.is_relative_to(tmp_path)

    assert not home.exists()
    assert {path: path.stat().st_mode for path in modes} == modes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another account")
def test_it_starts_servers_as_an_ordinary_user() -> None:
    # The interpreter's own folder may be closed to that account: what is imported late, now.
    script = (
        "import encodings.idna\n"
        "import os, sys; from pathlib import Path; from tests.local_servers import Servers\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "with Servers(Path(sys.argv[1]), durable=False) as servers:\n"
        "    print(sorted(os.stat(f'/proc/{p.pid}').st_uid for p in servers.processes))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", script, f"{folder}/var"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert (done.stdout, done.returncode) == ("[65534, 65534]\n", 0), done.stderr

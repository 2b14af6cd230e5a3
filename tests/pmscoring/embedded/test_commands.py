"""Commands of manage.py find the installation of VAR_DIR, whether it runs or not."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pmscoring.embedded.leftovers import end_leftovers, is_alive
from tests.local_servers import free_port
from tests.paths import ROOT

AGREEMENT = ("agreement", "SAMPLE-PM")
HEAD = "question    compared                count   exact  ±1 step"
ANSWERS = 374
# Says that it has begun, waits for a file, and then asks the database.
HELD = """
import time; from pathlib import Path; from scoring.models import Answer
Answer.objects.exists()
Path("{name}.begun").touch()
while not Path("{name}.go").exists(): time.sleep(0.05)
from django.db import connection; connection.close()
print(Answer.objects.count(), "answers")
"""
SERVERS = {
    "DATABASE_URL",
    "POSTGRES_BIN",
    "REDIS_URL",
    "BROKER_URL",
    "CACHE_URL",
    "SECRET_KEY",
    "PMS_URL",
}


def eventually(is_so: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.05)


@dataclass
class Commands:
    """manage.py with a VAR_DIR, and no other variable that names a server of the product."""

    var: Path
    inference_url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in SERVERS}
        own = {"VAR_DIR": str(self.var), "ENVIRONMENT": "development", "PYTHONPATH": str(ROOT)}
        return kept | own | ({"INFERENCE_URL": self.inference_url} if self.inference_url else {})

    def begin(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own, as in another terminal."""
        # Started in the background of a shell, the tests ignore SIGINT, and so would the command.
        return subprocess.Popen(
            ["env", "--default-signal=INT", sys.executable, str(ROOT / "manage.py"), *words],
            cwd=self.var.parent,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of a command."""
        with self.begin(*words, **environment) as process:
            out, err = process.communicate(timeout=240)
        return process.returncode, out, err

    def hold(self, name: str) -> subprocess.Popen[str]:
        """A command that has asked the database and waits for `let_go` before it asks again."""
        process = self.begin("shell", "-v", "0", "-c", HELD.format(name=name))
        eventually((self.var.parent / f"{name}.begun").exists)
        return process

    def let_go(self, name: str, process: subprocess.Popen[str]) -> str:
        """What the command says at its end."""
        (self.var.parent / f"{name}.go").touch()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out

    def postgres_runs(self) -> bool:
        """Whether PostgreSQL is remembered and lives."""
        return is_alive(self.var / "run", "postgres")


def is_table(result: tuple[int, str, str]) -> bool:
    """Whether the command has printed the agreement of each question, and nothing else."""
    status, out, err = result
    lines = out.splitlines()
    questions = [f"Q{number}" for number in range(1, 8)]
    return (status, err, lines[0].startswith(HEAD), [line.split()[0] for line in lines[1:]]) == (
        0,
        "",
        True,
        questions,
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def demo(folder: Path, inference_url: str) -> Iterator[Commands]:
    """The installation that `make demo` leaves behind, with the sample exam scored."""
    (folder / "var").mkdir()
    status, out, err = Commands(folder / "var", inference_url).run("demo")
    assert status == 0, out + err
    demo = Commands(folder / "var" / "demo")
    yield demo
    list(end_leftovers(demo.var / "run"))


@pytest.fixture(autouse=True)
def nothing_begun(folder: Path) -> None:
    """No file of an earlier test tells a command to go on."""
    for path in (*folder.rglob("*.begun"), *folder.rglob("*.go")):
        path.unlink()


@pytest.fixture
def running(demo: Commands, inference_url: str, tmp_path: Path) -> Iterator[Path]:
    """The same installation as `make run` serves it; the file with what it says."""
    output = tmp_path / "output"
    port = {"PMS_WEB_PORT": str(free_port())}
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "run"],
            env=Commands(demo.var, inference_url).environment | port,
            stdout=file,
            stderr=file,
        )
    eventually(lambda: "ready:" in output.read_text("utf-8") or process.poll() is not None)
    yield output
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0, output.read_text("utf-8")


def test_a_command_prints_its_table_while_the_installation_is_stopped(demo: Commands) -> None:
    assert is_table(demo.run(*AGREEMENT))
    assert not demo.postgres_runs()


def test_a_command_prints_its_table_beside_a_running_installation(
    demo: Commands, running: Path
) -> None:
    assert is_table(demo.run(*AGREEMENT))

    script = "from django.conf import settings as s; from django.core.cache import cache\n"
    script += "cache.set('key', 1); print(cache.get('key'), s.INFERENCE_TOKEN, s.SECRET_KEY)"
    kept = [demo.var / "run" / "secrets" / name for name in ("INFERENCE_TOKEN", "SECRET_KEY")]
    token, key = os.environ["INFERENCE_TOKEN"], kept[1].read_text("utf-8")
    assert demo.run("shell", "-v", "0", "-c", script)[1] == f"1 {token} {key}\n"
    assert demo.postgres_runs()
    assert "died" not in running.read_text("utf-8")


def test_a_command_finds_the_client_programs_of_its_server(demo: Commands) -> None:
    script = "from django.conf import settings; print(settings.POSTGRES_BIN, end='')"
    status, programs, err = demo.run("shell", "-v", "0", "-c", script)
    assert status == 0, err

    for program in ("pg_dump", "pg_restore"):
        argv = [f"{programs}/{program}", "--version"]
        version = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert version.startswith(f"{program} (PostgreSQL) 16.")


@pytest.mark.parametrize("first_to_leave", ["one", "other"])
def test_commands_share_one_server_which_the_last_one_stops(
    demo: Commands, first_to_leave: str
) -> None:
    held = {name: demo.hold(name) for name in ("one", "other")}
    last = "other" if first_to_leave == "one" else "one"

    assert demo.let_go(first_to_leave, held[first_to_leave]) == f"{ANSWERS} answers\n"
    assert demo.postgres_runs()
    assert demo.let_go(last, held[last]) == f"{ANSWERS} answers\n"

    assert not demo.postgres_runs()


def test_many_commands_at_once_all_get_their_answer(demo: Commands) -> None:
    processes = [demo.begin(*AGREEMENT) for _ in range(4)]

    results = [(*process.communicate(timeout=240), process.returncode) for process in processes]

    assert all(is_table((status, out, err)) for out, err, status in results), results
    assert not demo.postgres_runs()


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, None)])
def test_a_command_that_is_told_to_stop_stops_the_server(
    demo: Commands, signum: signal.Signals, status: int | None
) -> None:
    process = demo.hold("one")

    os.killpg(process.pid, signum)

    assert process.wait(60) == (status or -signal.SIGINT)
    assert not demo.postgres_runs()


def test_the_last_command_stops_the_server_also_when_another_one_started_it(
    demo: Commands,
) -> None:
    starter, other = demo.hold("one"), demo.hold("other")
    demo.let_go("one", starter)

    other.terminate()

    assert other.wait(60) == 128 + signal.SIGTERM
    assert not demo.postgres_runs()


def test_what_a_killed_command_leaves_serves_the_next_one_which_stops_it(demo: Commands) -> None:
    process = demo.hold("one")
    process.kill()
    process.wait()
    assert demo.postgres_runs()

    assert is_table(demo.run(*AGREEMENT))

    assert not demo.postgres_runs()


def test_a_start_is_refused_while_a_command_uses_the_database(demo: Commands) -> None:
    process = demo.hold("one")

    status, _, err = demo.run("run")

    assert (status, err) == (
        1,
        f"pmscoring: {demo.var}/run is in use by another start or by a command of manage.py; "
        "stop that first\n",
    )
    assert demo.let_go("one", process) == f"{ANSWERS} answers\n"


def test_it_says_that_the_installation_runs_on_a_database_that_it_was_given(
    demo: Commands,
) -> None:
    ports = demo.var / "run" / "ports.json"
    ports.write_text(json.dumps({"supervisor": 1, "web": 2}), "utf-8")

    with (demo.var / "run" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, _, err = demo.run(*AGREEMENT)

    assert (status, len(err.splitlines())) == (1, 1)
    assert "runs on a database that it was given: set DATABASE_URL" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a folder another user's")
def test_it_says_that_the_installation_is_another_users(demo: Commands) -> None:
    shutil.chown(demo.var / "run", "nobody")
    try:
        status, _, err = demo.run(*AGREEMENT)
    finally:
        shutil.chown(demo.var / "run", "root")

    assert (status, err) == (
        1,
        f"pmscoring: {demo.var}/run belongs to nobody, and you are root\n",
    )


def test_it_says_in_one_line_that_nothing_is_there(folder: Path) -> None:
    status, _, err = Commands(folder / "nothing").run(*AGREEMENT)

    assert status == 1
    assert err == (
        f"pmscoring: there is no installation in {folder}/nothing: `make run` makes one, VAR_DIR "
        "names the folder of another (the demo's is var/demo), and DATABASE_URL a database\n"
    )
    assert not (folder / "nothing").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["help"],
        ["agreement", "--help"],
        ["check"],
        ["collectstatic", "--dry-run", "--noinput", "--verbosity", "0"],
        ["makemigrations", "--check", "--dry-run"],
        ["spectacular", "--file", os.devnull],
    ],
)
def test_a_command_that_needs_no_database_starts_nothing(folder: Path, words: list[str]) -> None:
    # makemigrations asks for the applied migrations, and goes on when no database answers.
    status, _, err = Commands(folder / "nothing").run(*words, DATABASE_POOL_SECONDS="0.1")

    assert status == 0, err
    assert not (folder / "nothing").exists()


def test_a_database_that_is_named_is_used(folder: Path) -> None:
    url = os.environ["DATABASE_URL"]
    script = "from django.db import connection as c; c.ensure_connection(); print('connected')"

    result = Commands(folder / "nothing").run("shell", "-v", "0", "-c", script, DATABASE_URL=url)

    assert result[:2] == (0, "connected\n")


def test_without_the_packages_of_the_embedded_servers_it_says_what_is_missing(
    folder: Path,
) -> None:
    # -S: without all that is installed, as the containers are without these packages.
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "manage.py"), *AGREEMENT],
        env=Commands(folder / "nothing").environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("pmscoring: DATABASE_URL is not set, and ")
    assert done.stderr.endswith(" is not installed\n")

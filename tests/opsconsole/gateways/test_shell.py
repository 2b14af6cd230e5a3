"""Other programs: their output, their failures, and that none outlives the work it was part of."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from opsconsole.gateways import shell
from tests.waiting import wait_until

SLEEPER = (
    "import os, pathlib, sys, time;"
    " pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
)


def is_gone(pid_file: Path) -> bool:
    stat = Path("/proc") / pid_file.read_text() / "stat"
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_it_returns_what_the_program_writes() -> None:
    assert shell.run(["echo", "a b"]) == "a b\n"


def test_it_names_the_program_its_status_and_the_end_of_its_errors() -> None:
    with pytest.raises(shell.ShellError) as failure:
        shell.run(["sh", "-c", "seq 100000 >&2; echo the end >&2; exit 7"])
    assert failure.value.status == 7
    assert str(failure.value).startswith("sh exited with 7")
    assert failure.value.says.endswith("the end")
    assert len(failure.value.says) < 5000


def test_it_says_that_a_program_was_killed() -> None:
    with pytest.raises(shell.ShellError, match="was killed by signal 9"):
        shell.run(["sh", "-c", "kill -9 $$"])


def test_it_says_that_there_is_no_such_program() -> None:
    with pytest.raises(shell.ShellError, match="did not run: No such file"):
        shell.run(["/nonexistent/program"])


def test_it_keeps_secrets_out_of_the_error() -> None:
    with pytest.raises(shell.ShellError) as failure:
        shell.run(["sh", "-c", "echo postgresql://me:hunter22@db/x >&2; exit 1"])
    assert "hunter22" not in str(failure.value)


def test_it_hands_on_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter22")
    said = shell.run(["env"], env={"PGPASSFILE": "/x"})
    assert "hunter22" not in said
    assert "PGPASSFILE=/x" in said
    assert f"PATH={os.environ['PATH']}" in said


def test_what_a_successful_program_writes_to_stderr_is_passed_on() -> None:
    said: list[str] = []
    shell.run(["sh", "-c", "echo careful >&2"], warn=said.append)
    assert said == ["careful"]


def test_it_ends_the_program_when_the_time_is_over(tmp_path: Path) -> None:
    with pytest.raises(shell.ShellError, match="not within 1 s"):
        shell.run([sys.executable, "-c", SLEEPER, str(tmp_path / "pid")], timeout=1)
    assert is_gone(tmp_path / "pid")


def test_it_ends_the_program_and_its_children_when_the_heartbeat_raises(tmp_path: Path) -> None:
    class ClaimLost(Exception):
        pass

    def alive() -> None:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise ClaimLost

    child = f'"{sys.executable}" -c "{SLEEPER}" "{tmp_path / "pid"}"'
    with pytest.raises(ClaimLost):
        shell.run(["sh", "-c", f"{child} & wait"], alive=alive, every=0.05)
    wait_until(lambda: is_gone(tmp_path / "pid"), 10)


def test_the_program_does_not_outlive_a_killed_worker(tmp_path: Path) -> None:
    worker = os.fork()
    if not worker:
        try:
            shell.run([sys.executable, "-c", SLEEPER, str(tmp_path / "pid")])
        finally:
            os._exit(0)
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), 20)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    wait_until(lambda: is_gone(tmp_path / "pid"), 10)


def test_it_follows_a_program_line_by_line_and_tells_its_exit_status() -> None:
    said: list[tuple[float, str]] = []
    status = shell.follow(
        ["sh", "-c", "echo one; sleep 1; echo password=hunter22 >&2; printf end; exit 3"],
        lambda line: said.append((time.monotonic(), line)),
    )
    assert status == 3
    assert [line for _at, line in said] == ["one", "password=***", "end"]
    assert said[1][0] - said[0][0] > 0.5


def test_what_is_followed_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    script = f"sleep 600 & printf %s $! >{tmp_path}/pid; wait"
    with pytest.raises(shell.TooLong, match="not within 1 s"):
        shell.follow(["sh", "-c", script], lambda line: None, timeout=1)
    wait_until(lambda: is_gone(tmp_path / "pid"), 10, "the child has ended")


def test_a_followed_program_that_was_killed_has_no_exit_status() -> None:
    with pytest.raises(shell.ShellError, match="killed by signal 9"):
        shell.follow(["sh", "-c", "kill -9 $$"], lambda line: None)

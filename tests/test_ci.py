"""The scripts that set a machine up for the tests."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.paths import ROOT

HOLD = """
import fcntl, sys, time
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(3)
"""


@pytest.mark.skipif(not shutil.which("apt-get"), reason="no machine of Debian's")
def test_another_apts_lock_is_waited_for(tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    (lists / "partial").mkdir(parents=True)
    (tmp_path / "sources.d").mkdir()
    (tmp_path / "sources.list").touch()
    settings = {
        "State::lists": lists,
        "Etc::SourceList": tmp_path / "sources.list",
        "Etc::SourceParts": tmp_path / "sources.d",
        "Cache": tmp_path,
    }
    options = [f"-oDir::{name}={value}" for name, value in settings.items()]
    argv = [str(ROOT / ".ci" / "apt"), "-oAPT::Sandbox::User=root", *options, "update", "-qq"]
    began = time.monotonic()
    holder = [sys.executable, "-c", HOLD, str(lists / "lock")]
    with subprocess.Popen(holder, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "waiting: E: Could not get lock" in done.stderr
    assert time.monotonic() - began > 3


def test_no_script_calls_apt_past_it() -> None:
    scripts = [*(ROOT / ".ci").iterdir(), ROOT / "docker" / "base-images" / "build.sh"]
    past = [file.name for file in scripts if "apt-get " in file.read_text("utf-8")]
    assert past == ["apt"]


def test_what_would_begin_too_late_is_skipped_with_the_reason() -> None:
    test = f"{__file__}::{test_no_script_calls_apt_past_it.__name__}"
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]
    said = {}
    for until in ("1", "inf"):
        environment = {**os.environ, "TESTS_UNTIL": until}
        done = subprocess.run(
            argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        said[until] = done.stdout
    assert "1 skipped" in said["1"]
    assert "the time that TESTS_UNTIL gives is over" in said["1"]
    assert "1 passed" in said["inf"]


def test_no_step_of_ci_begins_too_late(tmp_path: Path) -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    lines = [line for line in script.splitlines() if line.startswith("step ")]
    commands = [" ".join(shlex.split(line)[1:]) for line in lines]
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_text(script)
    environment = {"PATH": os.environ["PATH"], "CI_MINUTES": "0"}
    argv = ["bash", str(tmp_path / ".ci" / "run")]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    *steps, whole = done.stdout.splitlines()
    assert steps == [f"{command}: not begun, 0 minutes are over" for command in commands]
    assert whole.startswith("all: ")

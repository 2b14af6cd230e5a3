"""The scripts that set a machine up for the tests."""

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

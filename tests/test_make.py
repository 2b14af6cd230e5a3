"""What `make` runs by its variables."""

import subprocess

import pytest

from tests.paths import ROOT


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ([], "tests/drills"),
        (["DRILLS=kills pitr"], "tests/drills/test_kills.py tests/drills/test_pitr.py"),
    ],
)
def test_drills_are_run_all_or_by_name(words: list[str], files: str) -> None:
    argv = ["make", "-n", "drills", "VERSION=0.1.0", *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    assert any(line.endswith(f"-m pytest {files}") for line in done.stdout.splitlines())
    assert all((ROOT / file).exists() for file in files.split())

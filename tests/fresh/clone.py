"""A fresh clone of this checkout's last commit, and the environment of somebody who tries it."""

import os
import subprocess
from pathlib import Path

from tests.fresh.reaper import LEFT
from tests.paths import ROOT

LONGEST_SECONDS = 900.0
# How this machine reaches its package index. Nothing else is passed on: no database, no virtual
# environment, no folder of modules.
NETWORK = (
    "PIP_",
    "SSL_",
    "REQUESTS_",
    "HTTP_",
    "HTTPS_",
    "NO_",
    "http_",
    "https_",
    "no_",
    "TORCH_",
)


def clone(folder: Path) -> None:
    """Clone the last commit; what is not committed is not tried."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, folder], check=True)


def network() -> dict[str, str]:
    """The variables that lead to the package index."""
    return {name: value for name, value in os.environ.items() if name.startswith(NETWORK)}


def demo(folder: Path, environment: dict[str, str], user: str = "") -> tuple[str, list[str]]:
    """What `make demo` printed in this folder, and the processes that it left running."""
    reaper = ["python3", "-m", "tests.fresh.reaper", *(["--user", user] if user else [])]
    done = subprocess.run(
        [*reaper, "make", "-C", str(folder), "demo"],
        cwd=ROOT,
        env=network() | {"LC_ALL": "C.UTF-8"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout, [line for line in done.stdout.splitlines() if line.startswith(LEFT)]


def assert_it_showed_the_agreement(printed: str) -> None:
    """The sample's 374 answers were scored, and its seven questions compared."""
    lines = printed.splitlines()
    assert any(line.startswith("scored [") and "374/374" in line for line in lines), printed
    table = lines[next(n for n, line in enumerate(lines) if line.startswith("question ")) + 1 :]
    assert [line.split()[0] for line in table[:7]] == [f"Q{n}" for n in range(1, 8)]

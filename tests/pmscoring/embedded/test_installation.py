"""What `make` installs, from where, and what it shows of it."""

import os
import pty
import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

PINNED = re.findall(r"^torch==(.+)$", (ROOT / "requirements/inference.txt").read_text(), re.M)[0]

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="this image has no make")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[str]:
    """The address of two package indexes: `pypi` has torch's CUDA build, `cpu` the other."""
    for name, version in (("pypi", PINNED), ("cpu", f"{PINNED}+cpu")):
        folder = tmp_path / "indexes" / name / "torch"
        folder.mkdir(parents=True)
        wheel = write_wheel(folder, version)
        (folder / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>', "utf-8")
    handler = partial(Quiet, directory=str(tmp_path / "indexes"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def write_wheel(folder: Path, version: str) -> str:
    """An empty package torch of this version; the file's name."""
    name, info = f"torch-{version}-py3-none-any.whl", f"torch-{version}.dist-info"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        wheel.writestr("torch/__init__.py", "")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return name


def run(argv: list[str], index: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command, for whose pip this is the only index, to its good end."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index, "PIP_NO_CACHE_DIR": "1"}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    done = subprocess.run(argv, cwd=ROOT, env=own | pip, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["TORCH_INDEX={}/cpu"], rf"already satisfied: torch=={PINNED} .*\({PINNED}\+cpu\)"),
        ([], rf"Would install torch-{PINNED}\n"),
    ],
)
def test_torch_comes_from_its_own_index_where_one_is_named(
    tmp_path: Path, indexes: str, words: list[str], expected: str
) -> None:
    venv, index = tmp_path / "venv", f"{indexes}/pypi"

    run(
        ["make", f"VENV={venv}", f"{venv}/.torch", *(word.format(indexes) for word in words)], index
    )

    # As the installation of all the rest then asks for it.
    pip = [f"{venv}/bin/python", "-m", "pip", "install", "--dry-run", f"torch=={PINNED}"]
    assert re.search(expected, run(pip, index).stdout)


def test_pip_is_quiet_where_nobody_sees_it(tmp_path: Path) -> None:
    printed = run(["make", "-n", f"VENV={tmp_path}", f"{tmp_path}/.app"]).stdout

    assert "pip install -q " in printed


def _written(terminal: int) -> str:
    """The next piece of what lies in the terminal, which may come in several; empty at its end."""
    try:
        return os.read(terminal, 100_000).decode()
    except BlockingIOError:
        return ""


def test_pip_shows_its_progress_on_a_terminal(tmp_path: Path) -> None:
    ours, its = pty.openpty()

    run(["make", "-n", f"VENV={tmp_path}", f"{tmp_path}/.app"], stdout=its)

    os.set_blocking(ours, False)
    printed = "".join(iter(lambda: _written(ours), ""))
    assert (
        "pip install  --no-compile --disable-pip-version-check -r requirements/app.txt" in printed
    )
    for descriptor in (ours, its):
        os.close(descriptor)

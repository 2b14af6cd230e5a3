"""`make demo` as root in a slim Debian container, whose only addition is make."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fresh.clone import LONGEST_SECONDS, assert_it_showed_the_agreement
from tests.paths import ROOT
from tests.stack.engine import docker, image_is_here, why_not

# It shares nothing with the others, and may run beside them.
pytestmark = pytest.mark.xdist_group("container")
# The stand-in (`make base-images`) where no registry is reached.
IMAGES = ("python:3.11-slim-bookworm", "pmscoring.local/python:3.11")
FOLDER = "/root/pm-scoring"
VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "TORCH_INDEX")


@pytest.fixture
def container() -> Iterator[str]:
    """A running container with this checkout's last commit and make."""
    if reason := why_not():
        assert not os.environ.get("STACK_REQUIRED"), reason
        pytest.skip(reason)
    image = next((name for name in IMAGES if image_is_here(name)), None)
    assert image, f"none of {IMAGES} is here: make base-images"
    options = [f"-e{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    for folder in os.environ.get("PIP_FIND_LINKS", "").split():
        if Path(folder).is_dir():
            options.append(f"--volume={folder}:{folder}:ro")
    name = docker("run", "--detach", "--rm", "--init", *options, image, "sleep", "1800").strip()
    try:
        archive = subprocess.run(
            ["git", "archive", "--prefix", "pm-scoring/", "HEAD"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        unpack = ["docker", "exec", "-i", name, "tar", "-x", "-C", "/root"]
        subprocess.run(unpack, input=archive, check=True)
        install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends make"
        docker("exec", name, "sh", "-c", install, timeout=300)
        yield name
    finally:
        docker("rm", "--force", name)


def test_as_root_in_a_slim_container(container: str) -> None:
    home = docker("exec", container, "sh", "-c", 'echo "$HOME"; stat -c %a "$HOME"').split()
    assert home == ["/root", "700"]

    printed = docker("exec", "-w", FOLDER, container, "make", "demo", timeout=LONGEST_SECONDS)

    assert_it_showed_the_agreement(printed)
    processes = docker("top", container, "-o", "pid,args").splitlines()[1:]
    assert [line.split(None, 1)[1].split()[-1] for line in processes] == ["1800", "1800"], processes

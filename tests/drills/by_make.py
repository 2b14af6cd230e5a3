"""What an operator types in the folder of the installation."""

import os
import subprocess

from tests.paths import ROOT
from tests.stack.stack import Stack


def make(site: Stack, *words: str, version: str = "") -> subprocess.CompletedProcess[str]:
    """`make WORDS` for this site; VERSION only where it is given."""
    own = [f"{name}={value}" for name, value in site.environment.items() if name != "MAKEFLAGS"]
    own = [word for word in own if not word.startswith("VERSION=")]
    own += [f"VERSION={version}"] if version else []
    argv = ["make", "-s", *words, f"OVERLAYS={' '.join(site.overlays)}", *own]
    # Nothing of the tests' own environment, which names other servers.
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )

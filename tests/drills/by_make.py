"""What an operator types in the folder of the installation."""

import os
import subprocess

from tests.paths import ROOT
from tests.stack.stack import Stack


def make(site: Stack, *words: str, version: str = "") -> subprocess.CompletedProcess[str]:
    """`make WORDS` for this site; VERSION only where it is given.

    Numbers of replicas are never given: asked for on the call they would be what `make up` brings.
    """
    never = ("MAKEFLAGS", "VERSION")
    own = [
        f"{name}={value}"
        for name, value in site.environment.items()
        if name not in never and not name.endswith("_REPLICAS")
    ]
    own += [f"VERSION={version}"] if version else []
    argv = ["make", "-s", *words, f"OVERLAYS={' '.join(site.overlays)}", *own]
    # Nothing of the tests' own environment, which names other servers.
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )

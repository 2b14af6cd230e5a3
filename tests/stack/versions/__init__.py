"""Versions to deploy, good ones and bad ones, made of the images that are here.

build("errors", "1.0.0-errors")
...
remove("1.0.0-errors")
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tests.stack.engine import docker

HERE = Path(__file__).parent
Kind = Literal[
    "good", "unhealthy", "failing", "lingering", "additive", "destructive", "errors", "slow"
]  # fmt: skip
PARTS = ("app", "ops", "inference")


def name(part: str, tag: str) -> str:
    """An image of ours."""
    return f"{os.environ.get('REGISTRY_URL') or 'pmscoring.local'}/pm-scoring-{part}:{tag}"


def build(kind: Kind, tag: str, base: str = "") -> str:
    """Make app and ops of that kind, and inference as it is, all with this tag; returns the tag.

    `base` is the tag of the images that they are made from, or else those of this checkout.
    """
    base = base or os.environ.get("VERSION") or "0.1.0"
    for part in ("app", "ops"):
        options = [f"--build-arg=BASE={name(part, base)}", f"--build-arg=VERSION={tag}"]
        words = ["build", "-q", f"--target={kind}", *options, f"-t={name(part, tag)}", str(HERE)]
        docker(*words, timeout=300)
    docker("tag", name("inference", base), name("inference", tag))
    return tag


def remove(*tags: str, parts: Sequence[str] = PARTS) -> None:
    """Take these tags off their images, which no container uses any more."""
    for image in (name(part, tag) for tag in tags for part in parts):
        if docker("image", "ls", "-q", image).strip():
            docker("image", "rm", "--force", image)

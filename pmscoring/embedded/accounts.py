"""The account that PostgreSQL runs as, and what that account can reach."""

import hashlib
import os
import pwd
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OWN_FOLDERS = Path("/var/lib/pmscoring")


def unprivileged() -> str | None:
    """The account for PostgreSQL, which refuses to run as root; None: our own."""
    return "nobody" if os.geteuid() == 0 else None


def bare_environment() -> Mapping[str, str]:
    """What a server needs of our environment, and none of its secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def bare(argv: list[str]) -> list[str]:
    """The command without the environment, and the secrets, of the one who starts it."""
    pairs = [f"{name}={value}" for name, value in bare_environment().items()]
    return ["/usr/bin/env", "-i", *pairs, *argv]


def options_as(user: str | None) -> dict[str, Any]:
    """The arguments of subprocess calls that run a server as `user`, with that user's groups."""
    common = {"cwd": "/", "env": bare_environment()}
    if user is None:
        return common
    account = pwd.getpwnam(user)
    return common | {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def runs(user: str | None, *argv: str) -> bool:
    """Whether `user` can run the command, and it succeeds."""
    try:
        done = subprocess.run(  # noqa: S603
            argv, **options_as(user), capture_output=True, check=False, timeout=30
        )
    except OSError:
        return False
    return done.returncode == 0


def reachable_home(folder: Path, user: str | None) -> Path:
    """`folder`, or one of our own where it lies behind a parent that `user` may not enter."""
    if user is None or runs(user, "/bin/sh", "-c", 'cd "$1"', "sh", str(folder)):
        return folder
    own = OWN_FOLDERS / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    own.mkdir(parents=True, exist_ok=True)
    return own

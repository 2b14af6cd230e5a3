"""The account that PostgreSQL runs as, and what that account can run."""

import os
import pwd
import subprocess
from collections.abc import Mapping
from typing import Any


def unprivileged() -> str | None:
    """The account for PostgreSQL, which refuses to run as root; None: our own."""
    return "nobody" if os.geteuid() == 0 else None


def bare_environment() -> Mapping[str, str]:
    """What a server needs of our environment, and none of its secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def bare(argv: list[str]) -> list[str]:
    """The command without the environment, and the secrets, of the process that starts it."""
    pairs = [f"{name}={value}" for name, value in bare_environment().items()]
    return ["/usr/bin/env", "-i", *pairs, *argv]


def options_as(user: str | None) -> dict[str, Any]:
    """The arguments of subprocess calls that run a server as `user`, with that user's groups."""
    common = {"cwd": "/", "env": bare_environment()}
    if user is None:
        return common
    account = pwd.getpwnam(user)
    return common | {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def fault_of(user: str | None, *argv: str) -> str:
    """Why the command fails when `user` runs it, as its last line says; empty: it succeeds."""
    try:
        done = subprocess.run(  # noqa: S603
            argv, **options_as(user), capture_output=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return "" if not done.returncode else [f"exit status {done.returncode}", *lines][-1]


def can_enter(user: str | None, folder: str) -> bool:
    """Whether `user` may enter the folder."""
    return user is None or not fault_of(user, "/bin/sh", "-c", 'cd "$1"', "sh", folder)

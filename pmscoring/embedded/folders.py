"""The folders of an installation, and whose they are."""

import json
import os
import pwd
from pathlib import Path

from pmscoring.base import env
from pmscoring.base.files import write_whole
from pmscoring.embedded.errors import CannotStart

ROOT = Path(__file__).parents[2]


def var_folder() -> Path:
    """Where the data of this project's folder lie."""
    return Path(env.text("VAR_DIR", str(ROOT / "var"))).absolute()


def make_folders(var: Path) -> tuple[Path, Path]:
    """The folders `run` and `log`, which nobody else may enter; raises CannotStart."""
    run, logs = var / "run", var / "log"
    try:
        var.mkdir(parents=True, exist_ok=True)
        for folder in (run, logs):
            folder.mkdir(exist_ok=True)
            check_owner(folder)
            os.chmod(folder, 0o700)
    except OSError as error:
        raise CannotStart(str(error)) from error
    return run, logs


def check_owner(folder: Path) -> None:
    """Raise CannotStart where the folder is another user's; OSError where it cannot be seen.

    Not even root goes on: what it makes there, the owner could no longer read.
    """
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise CannotStart(f"{folder} belongs to {_name(owner)}, and you are {_name(os.geteuid())}")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def write_ports(run: Path, ports: dict[str, int]) -> None:
    """Record on which port of 127.0.0.1 each part listens."""
    write_whole(run / "ports.json", json.dumps(ports, indent=2) + "\n")


def read_ports(run: Path) -> dict[str, int]:
    """The ports as last recorded, by part; the parts may have ended since."""
    try:
        ports: dict[str, int] = json.loads((run / "ports.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return ports

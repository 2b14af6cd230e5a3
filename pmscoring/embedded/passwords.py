"""Passwords and keys that an installation makes once and keeps."""

import secrets
from pathlib import Path

from pmscoring.base import env
from pmscoring.base.files import write_whole


def password_in(path: Path) -> str:
    """The password that this file keeps, made on first use; only its owner may read it."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        password = secrets.token_urlsafe(32)
    # Nobody else makes one meanwhile: a start holds the installation's lock, and commands of
    # manage.py ask one by one.
    write_whole(path, password)
    return password


def kept_secrets(run: Path) -> dict[str, str]:
    """What the app signs with and knows the inference service by: the environment's, or our own."""
    folder = run / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    values = {}
    for name in ("SECRET_KEY", "INFERENCE_TOKEN"):
        values[name] = env.text(name, "") or password_in(folder / name)
    return values

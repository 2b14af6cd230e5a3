"""The part `configuration`: how the installation was set up. Secrets only where it is encrypted."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.gateways import archives
from opsconsole.gateways.archives import Packed
from pmscoring.base import env
from pmscoring.base.files import write_whole
from pmscoring.base.progress import Alive
from pmscoring.base.redaction import redacted

COMPOSE = ("*.yaml", "*.yml", "*.env", ".env", "*.mk", "*.sh")
"""Files of the folder `compose` of an installation in containers."""
SECRETS = (
    "SECRET_KEY", "INFERENCE_TOKEN", "DATABASE_URL", "DATABASE_PASSWORD", "REDIS_URL", "BROKER_URL",
    "BROKER_PASSWORD", "CACHE_URL", "CACHE_PASSWORD",
)  # fmt: skip
VARIABLES = (
    "ENVIRONMENT", "VERSION", "LOG_LEVEL", "TIME_ZONE", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS",
    "COOKIE_SECURE", "INTERNAL_IPS", "NUM_PROXIES", "DATABASE_POOL", "DATABASE_POOL_SECONDS",
    "INFERENCE_URL", "INFERENCE_TIMEOUT", "SCORING_BATCH", "SCORING_STALLED_SECONDS",
    "CELERY_CONCURRENCY", "DISK_RESERVE_BYTES", "MAX_UPLOAD_BYTES", "THROTTLE_RATE",
    "THROTTLE_RATE_SCORE",
    "THROTTLE_RATE_TOKENS", "THROTTLE_RATE_REFUSED", "THROTTLE_RATE_SIGN_IN",
    "BACKUP_JOBS", "BACKUP_STALLED_SECONDS",
)  # fmt: skip
"""What says how the product behaves, and is no secret."""
LeftOut = dict[str, str]
"""What is not in the archive, and why."""
LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=")


def pack(archive: Path, workplace: Path, *, secrets: bool, alive: Alive = lambda: None) -> Packed:
    """Gather the configuration in the new folder `workplace`, archive it, and remove the folder.

    What was left out for being secret is named, never its value.
    """
    left_out: LeftOut = {}
    workplace.mkdir(mode=0o700)
    try:
        for name, content in _entries(secrets, left_out):
            path = workplace / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, content)
        packed = archives.pack(workplace, archive, alive)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    for name, why in left_out.items():
        packed.leave_out(name, why)
    return packed


def _secret() -> str:
    return _("a secret: it is kept in encrypted backups only")


def _entries(secrets: bool, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    yield "variables.env", _variables(left_out).encode()
    yield from _installed(secrets, left_out)
    for name in SECRETS:
        if value := env.text(name, ""):
            if secrets:
                yield f"secrets/{name}", value.encode()
            else:
                left_out[name] = _secret()
    for folder, path in _secret_files():
        if secrets:
            yield f"{folder}/{path.name}", path.read_bytes()
        else:
            left_out[f"{folder}/{path.name}"] = _secret()


def _variables(left_out: LeftOut) -> str:
    """NAME=value lines, as they were set; what looks like a secret in spite of its name is not."""
    lines = []
    for name in VARIABLES:
        value = os.environ.get(name, "")
        if not value:
            continue
        if redacted(value) == value and "\n" not in value:
            lines.append(f"{name}={value}\n")
        else:
            left_out[name] = _secret()
    return "".join(lines)


def _installed(secrets: bool, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """Compose files, overlays and env files of INSTALL_DIR; lines with secrets are taken out."""
    if not settings.INSTALL_DIR:
        return
    folder = Path(settings.INSTALL_DIR) / "compose"
    for path in sorted({path for pattern in COMPOSE for path in folder.glob(pattern)}):
        if not path.is_file() or path.is_symlink():
            continue
        try:
            content = path.read_bytes()
        except PermissionError:
            # In containers it belongs to whoever set up the host, who may have closed it.
            left_out[f"compose/{path.name}"] = _("no permission to read it")
            continue
        if path.name.endswith(".env") and not secrets:
            kept, gone = _without_secrets(content.decode("utf-8", "replace").splitlines())
            content = "".join(f"{line}\n" for line in kept).encode()
            left_out |= {f"compose/{path.name}: {name}": _secret() for name in gone}
        yield f"compose/{path.name}", content


def _without_secrets(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    kept, gone = [], []
    for line in lines:
        match = LINE.match(line)
        if match and redacted(line) != line:
            gone.append(match[1])
        else:
            kept.append(redacted(line))
    return kept, gone


def _secret_files() -> Iterator[tuple[str, Path]]:
    """The files that describe stores and channels, which have their keys in them."""
    for name, folder in (("stores", settings.STORES_DIR), ("channels", settings.CHANNELS_DIR)):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.is_file():
                    yield name, path

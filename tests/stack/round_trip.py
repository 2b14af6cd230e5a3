"""A backup on its way between installations, and what must be the same in both."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from tests.local_servers import Servers
from tests.paths import ROOT
from tests.stack.stack import Container, Stack

BACKUPS = "/srv/pmscoring/backups"
# The volume's mark is the installation's, and stays where a backup of another comes in.
FILES = "find . -type f ! -name .installation -exec sha256sum {} +"
UPLOADS = f"cd /srv/pmscoring/uploads && {FILES} | sort"
# The console's own tables go on after a restore, and sessions end with it.
TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND"
    " (table_name LIKE 'scoring\\_%' OR table_name LIKE 'auth\\_%') ORDER BY 1"
)
USER = ("operator", "a passphrase of the tests")
WHY = "a bare host has nothing to save"


def make_user(stack: Stack) -> None:
    """Somebody who signs in by a name and a password."""
    script = (
        "from django.contrib.auth.models import User;"
        f" User.objects.create_superuser({USER[0]!r}, '', {USER[1]!r})"
    )
    stack.manage("shell", "-v", "0", "-c", script)


def digests(stack: Stack) -> dict[str, str]:
    """A digest of the rows of each table of the product."""
    names = [name for [name] in stack.sql(TABLES)]
    digest = "SELECT '{0}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {0} t"
    rows = stack.sql(" UNION ALL ".join(digest.format(name) for name in names))
    return {row[0]: row[1] for row in rows}


def uploads(stack: Stack) -> str:
    """A hash of each uploaded file."""
    return stack.container("web").run("sh", "-c", UPLOADS)


def take(ops: Container, *words: str) -> dict[str, Any]:
    """Make a backup by `manage.py backup`; what it prints."""
    printed = ops.run("python", "manage.py", "backup", "--json", *words, timeout=300)
    made: dict[str, Any] = json.loads(printed)
    return made


def fetch(ops: Container, backup: dict[str, Any]) -> bytes:
    """The backup's folder, as a tar archive."""
    path = Path(backup["path"])
    argv = ["docker", "exec", ops.id, "tar", "-C", str(path.parent), "-cf", "-", path.name]
    return subprocess.run(argv, capture_output=True, check=True).stdout


def put(ops: Container, archive: bytes) -> str:
    """Unpack it into the volume of backups, as an operator brings a backup along; its path."""
    argv = ["docker", "exec", "-i", ops.id, "tar", "-C", BACKUPS, "-xf", "-"]
    subprocess.run(argv, input=archive, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return f"{BACKUPS}/{tar.getnames()[0]}"


def restore(ops: Container, path: str) -> dict[str, Any]:
    """Restore it by `manage.py restore` on an installation that has nothing worth keeping."""
    words = ["--yes", "--no-safety-backup", "--reason", WHY, "--json"]
    printed = ops.run("python", "manage.py", "restore", path, *words, timeout=300)
    done: dict[str, Any] = json.loads(printed)
    return done


def of_embedded_16(folder: Path) -> bytes:
    """A backup of an embedded PostgreSQL 16 in which USER signs in, as a tar archive."""
    with Servers(folder / "servers", durable=False) as servers:
        environment = {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "POSTGRES_BIN": str(servers.clients),
            "VAR_DIR": str(folder / "var"),
            "ENVIRONMENT": "test",
            "PYTHONPATH": str(ROOT),
            "DJANGO_SUPERUSER_PASSWORD": USER[1],
        }
        manage = [sys.executable, str(ROOT / "manage.py")]
        for words in (
            ["migrate", "--noinput", "-v", "0"],
            ["createsuperuser", "--noinput", "--username", USER[0], "--email", "o@example.com"],
            ["backup", "--json"],
        ):
            done = subprocess.run(
                [*manage, *words], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
    path = Path(made["path"])
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(path, path.name)
    return archive.getvalue()

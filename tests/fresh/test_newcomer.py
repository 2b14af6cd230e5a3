"""What the README tells a newcomer to do, done: run, back up, see it verified, restore, go on."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fresh.signed_in import Person
from tests.local_servers import free_port
from tests.paths import ROOT, WEIGHTS
from tests.waiting import wait_until

PASSWORD = re.compile(r"sign in as admin with the password (\S+)")
UNSET = ("DATABASE_URL", "REDIS_URL", "INFERENCE_URL", "INFERENCE_TOKEN", "ENVIRONMENT")


class Installation:
    """`make run` in a folder of its own."""

    def __init__(self, var: Path) -> None:
        self.var, self.port, self.log = var, free_port(), var / "said"
        own = {name: value for name, value in os.environ.items() if name not in UNSET}
        self.environment = own | {"VAR_DIR": str(var), "PMS_WEB_PORT": str(self.port)}
        (var / "models").symlink_to(WEIGHTS.parent)
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
            )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        return "pmscoring: ready:" in self.log.read_text()

    def password(self) -> str:
        """Printed once, at the first start."""
        match = PASSWORD.search(self.log.read_text())
        assert match
        return match[1]

    def manage(self, *words: str) -> Any:
        """The JSON that a command prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words, "--json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def installation() -> Iterator[Installation]:
    """Running, and stopped in order afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        made = Installation(Path(folder))
        try:
            wait_until(made.is_ready, 240, "it is ready")
            yield made
        finally:
            made.process.send_signal(signal.SIGINT)
            made.process.wait(180)


@contextmanager
def looking(address: str) -> Iterator[list[httpx.Response]]:
    """The answers to somebody who opens the same page again and again."""
    answers: list[httpx.Response] = []
    over = threading.Event()

    def look() -> None:
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            while not over.wait(0.02):
                answers.append(client.get("/admin/login/"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def test_a_backup_of_the_admin_is_verified_and_restored(installation: Installation) -> None:
    person = Person(installation.address)
    person.sign_in(installation.password())

    page = person.fill("/admin/opsconsole/backup/now", "note", note="my first one")

    name = re.search(r"\d{8}T\d{6}Z-[0-9a-f]{8}", page.text)
    assert name
    assert str(page.url).startswith(f"{installation.address}/admin/opsconsole/backup/")
    address = page.url

    def is_verified() -> bool:
        (backup,) = installation.manage("backups")
        assert backup["state"] != "failed", backup["reason"]
        return backup["state"] == "stored" and bool(backup["verified"])

    wait_until(is_verified, 120, "the backup is verified", every=1.0)
    assert "my first one" in person.http.get(address).text

    with looking(installation.address) as answers:
        done = installation.manage("restore", name[0], "--yes")

    assert done["state"] == "done"
    seen = Counter(answer.status_code for answer in answers)
    assert seen.keys() <= {200, 503}
    assert seen[200] > 10
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
    newcomer = Person(installation.address)
    newcomer.sign_in(installation.password())
    assert newcomer.http.get(address).is_success

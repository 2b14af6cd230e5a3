"""`make run` in a folder of its own, and somebody who looks at it all the time."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.local_servers import free_port
from tests.paths import ROOT, WEIGHTS
from tests.waiting import wait_until

PASSWORD = re.compile(r"^ +password: (\S+)$", re.MULTILINE)
UNSET = ("DATABASE_URL", "REDIS_URL", "INFERENCE_URL", "INFERENCE_TOKEN", "ENVIRONMENT")


class Installation:
    """`make run` in a folder of its own."""

    def __init__(self, var: Path) -> None:
        self.var, self.port, self.log = var, free_port(), var / "said"
        own = {name: value for name, value in os.environ.items() if name not in UNSET}
        self.environment = own | {"VAR_DIR": str(var), "PMS_WEB_PORT": str(self.port)}
        # The weights are provisioned once, and for the checkout.
        WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
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
        return json.loads(self.run(*words, "--json"))

    def shell(self, script: str) -> str:
        """What the script prints that Django's shell runs."""
        return self.run("shell", "-v", "0", "-c", script)

    def run(self, *words: str) -> str:
        """What a command prints, which must succeed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def installed() -> Iterator[Installation]:
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

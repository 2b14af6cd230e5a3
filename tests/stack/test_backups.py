"""Backups in containers: who may read and write them."""

import json

import pytest

from tests.stack.conftest import Told
from tests.stack.engine import EngineError, wait_for
from tests.stack.stack import Container, Stack

BACKUPS = "/srv/pmscoring/backups"
KEY = "a-key-that-only-the-operations-worker-reads"
STORE = {"url": "s3://backups/tokyo", "options": {"secret_access_key": KEY}}
# Each tries to change or remove what lies there; none may.
CHANGES = {
    "write": f"echo forged >{BACKUPS}/kept/manifest.json",
    "append": f"echo forged >>{BACKUPS}/kept/manifest.json",
    "remove": f"rm -f {BACKUPS}/kept/manifest.json",
    "rename": f"mv {BACKUPS}/kept {BACKUPS}/gone",
    "add": f"touch {BACKUPS}/kept/another",
    "chmod": f"chmod 000 {BACKUPS}/kept/manifest.json",
    "mount": f"mount -o remount,rw {BACKUPS}",
}


@pytest.fixture(scope="module")
def backup(stack: Stack) -> str:
    """A file in the folder of a backup, as ops writes it; its path."""
    path = f"{BACKUPS}/kept/manifest.json"
    stack.container("ops").run("sh", "-c", f"mkdir -p {BACKUPS}/kept && echo true >{path}")
    return path


def test_web_reads_what_the_operations_worker_has_written(stack: Stack, backup: str) -> None:
    assert stack.container("web").run("cat", backup) == "true\n"


@pytest.mark.parametrize("change", CHANGES)
def test_web_changes_no_backup(stack: Stack, backup: str, change: str) -> None:
    with pytest.raises(EngineError):
        stack.container("web").run("sh", "-c", CHANGES[change])
    assert stack.container("ops").run("cat", backup) == "true\n"


def test_no_other_service_sees_a_backup(stack: Stack, backup: str, told: Told) -> None:
    def sees(one: Container) -> bool:
        return "true" in one.run("sh", "-c", f"cat {backup} 2>/dev/null || true")

    seen = {one.service for one in stack.containers() if sees(one)}
    assert seen == {"ops", "web"}
    told(f"backups: written by ops, read by web, {len(CHANGES)} ways to change one refused there")


def test_web_knows_a_stores_name_and_not_its_key(stack: Stack, told: Told) -> None:
    file = stack.secrets / "stores" / "tokyo.json"
    file.write_text(json.dumps(STORE))
    file.chmod(0o444)
    script = "from opsconsole.gateways import stores; print(stores.names())"
    wait_for(
        lambda: stack.manage("shell", "-v", "0", "-c", script) == "['tokyo']\n",
        90,
        "web knows the store",
    )
    for one in stack.containers():
        everything = one.run("sh", "-c", "cat /srv/pmscoring/*/* 2>/dev/null || true", timeout=120)
        assert (KEY in everything) == (one.service == "ops"), one.name
    file.unlink()
    told("the name of a store reaches web, its key ops alone")

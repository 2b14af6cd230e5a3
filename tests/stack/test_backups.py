"""Backups in containers: who may read and write them, and what they bring back."""

import json
import time
from typing import Any

import pytest

from tests.stack import count, round_trip
from tests.stack.callers import Api
from tests.stack.conftest import Told
from tests.stack.engine import EngineError, wait_for
from tests.stack.kept import upload
from tests.stack.round_trip import BACKUPS
from tests.stack.stack import Container, Stack

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


@pytest.fixture(scope="module")
def made(stack: Stack, api: Api) -> dict[str, Any]:
    """A backup of an installation with marks, files and a user of its own."""
    upload(api)
    count.wait_until_scored(stack)
    round_trip.make_user(stack)
    return round_trip.take(stack.container("ops"))


def test_a_backup_is_made_and_verified_on_postgresql_17(made: dict[str, Any], told: Told) -> None:
    assert made["state"] == "stored"
    assert made["verified"]
    assert {part["name"] for part in made["parts"]} == {"database", "uploads", "configuration"}
    told(
        f"backup {made['seconds']:.1f} s, restored for verification {made['verify_seconds']:.1f} s"
    )


def test_no_secret_of_the_installation_is_in_it(stack: Stack, made: dict[str, Any]) -> None:
    archive = round_trip.fetch(stack.container("ops"), made)
    for name in ("secret_key", "database_password", "broker_password", "inference_token"):
        assert stack.secret(name).encode() not in archive, name


def test_everything_comes_back_after_all_volumes_were_removed(
    stack: Stack, api: Api, made: dict[str, Any], told: Told
) -> None:
    before = round_trip.digests(stack), round_trip.uploads(stack)
    archive = round_trip.fetch(stack.container("ops"), made)
    stack.down("--volumes")
    stack.begin_anew()
    stack.up()
    assert round_trip.digests(stack) != before[0]

    ops = stack.container("ops")
    began = time.monotonic()
    done = round_trip.restore(ops, round_trip.put(ops, archive))

    assert done["state"] == "done"
    assert (round_trip.digests(stack), round_trip.uploads(stack)) == before
    told(f"all volumes removed, then restored in {time.monotonic() - began:.1f} s")


def test_people_sign_in_and_answers_are_scored_again(stack: Stack, api: Api) -> None:
    wait_for(stack.all_are_healthy, 120, "all are healthy")
    assert api.signs_in(*round_trip.USER)
    api.hand_in_all(20)
    count.wait_until_scored(stack)
    count.assert_each_was_scored_once(stack)

"""On Swarm: a backup, everything dropped, and all of it back."""

import time
from collections.abc import Iterator

import pytest

from tests.stack import count, round_trip
from tests.stack.callers import Api
from tests.stack.conftest import Told
from tests.stack.engine import EngineError, wait_for
from tests.stack.exams import load_exam
from tests.stack.kept import upload
from tests.stack.stack import free_prefix
from tests.stack.swarm import Swarm, why_not


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory, told_once: list[str]) -> Iterator[Swarm]:
    """The installation on one node."""
    if reason := why_not():
        pytest.skip(reason)
    made = Swarm(tmp_path_factory.mktemp("swarm"), free_prefix())
    try:
        made.write_secrets()
        told_once.append(f"up in {made.up():.0f} s")
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def told_once() -> list[str]:
    """Figures of the set-up."""
    return []


@pytest.fixture(scope="module")
def door(swarm: Swarm) -> Api:
    """The REST API behind nginx, with an exam."""
    made = Api(swarm.url, swarm.issue_token(), verify=False)
    load_exam(made)
    return made


def test_everything_comes_back_after_database_and_files_were_dropped(
    swarm: Swarm, door: Api, told: Told, told_once: list[str]
) -> None:
    door.hand_in_all(20)
    upload(door)
    count.wait_until_scored(swarm)
    round_trip.make_user(swarm)
    made = round_trip.take(swarm.container("ops"))
    assert made["state"] == "stored"
    assert made["verified"]
    before = round_trip.digests(swarm), round_trip.uploads(swarm)
    swarm.container("ops").run("sh", "-c", "rm -rf /srv/pmscoring/uploads/*")
    swarm.sql_as_superuser("DROP DATABASE pmscoring WITH (FORCE)", "postgres")

    began = time.monotonic()
    done = round_trip.restore(swarm.container("ops"), made["path"])

    assert done["state"] == "done"
    assert (round_trip.digests(swarm), round_trip.uploads(swarm)) == before
    told("; ".join([*told_once, f"restored in {time.monotonic() - began:.1f} s"]))


def test_people_sign_in_and_answers_are_scored_again(swarm: Swarm, door: Api) -> None:
    wait_for(swarm.all_are_healthy, 180, "every service runs")
    wait_for(lambda: door.signs_in(*round_trip.USER), 60, "the user signs in")
    door.hand_in_all(20)
    count.wait_until_scored(swarm)
    count.assert_each_was_scored_once(swarm)


def test_web_changes_no_backup_there_either(swarm: Swarm) -> None:
    with pytest.raises(EngineError, match="Read-only file system"):
        swarm.container("web").run("touch", f"{round_trip.BACKUPS}/forged")

"""Whoever drives a deployment is killed in each of its states: nothing is stuck, the end is true.

The lease is that of the product, so that each case takes over a minute.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drills.by_make import make
from tests.drills.conftest import Told
from tests.drills.deploying import ENDED, HERE, Site, last_document
from tests.drills.onlookers import Client
from tests.paths import ROOT
from tests.stack import versions
from tests.stack.engine import wait_for
from tests.stack.stack import Container, free_prefix

KINDS: tuple[versions.Kind, ...] = ("good", "errors", "lingering")
GOOD, BAD, LINGERING = "drill-good", "drill-errors", "drill-lingering"
DEATHS = (
    ("ops", "preparing", GOOD),
    ("ops", "backing_up", LINGERING),
    ("ops", "migrating", LINGERING),
    ("ops", "rolling", GOOD),
    ("driver", "rolling", GOOD),
    ("ops", "soaking", GOOD),
    ("driver", "soaking", GOOD),
)
"""Who dies, in which state, on the way to which version. Before it rolls, the worker drives."""
LEASE = 60.0
GOES_ON = 300.0
"""Seconds that whoever takes over may need until the end, on a busy machine."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small site, and a version of each kind."""
    for kind in KINDS:
        versions.build(kind, f"drill-{kind}")
    made = Site(tmp_path_factory.mktemp("kills"), free_prefix(), project="pmscoring-drills")
    made.down("--volumes")
    try:
        made.write_secrets()
        made.up()
        wait_for(made.has_entered, 120, "the site has entered itself")
        yield made
    finally:
        made.down("--volumes")
        versions.remove(GOOD, BAD, LINGERING)


def begin(site: Site, version: str) -> str:
    """Ask for a deployment and do not wait for it; its id."""
    argv = ["deploy", HERE, "--version", version, "--yes", "--json", "--wait", "0"]
    printed = site.container("ops").run("python", "manage.py", *argv)
    return str(last_document(printed)["id"])


def row(site: Site, uid: str) -> dict[str, Any]:
    """As it is now; read from the database, since all of our containers come and go."""
    # The engine's own words may be several lines.
    columns = "status, driver, translate(coalesce(reason, ''), E'\\n', ' '), claimed_at"
    query = f"SELECT {columns} FROM opsconsole_deployment WHERE uid = '{uid}'"  # noqa: S608
    [found] = site.sql(query)
    return dict(zip(("state", "driver", "reason", "claimed_at"), found, strict=True))


def reach(site: Site, uid: str, state: str) -> None:
    """Wait until it is in that state."""

    def is_there() -> bool:
        now = row(site, uid)
        assert now["state"] not in ENDED, f"it ended before it was {state}: {now}"
        # Between two drivers the row names none that has a host.
        return bool(now["state"] == state and "on " in now["driver"])

    wait_for(is_there, 300, f"it is {state}")


def driver(site: Site, uid: str) -> Container:
    """The container that drives it: its name in the row ends with its host's."""
    host = row(site, uid)["driver"].rpartition(" ")[2]
    [found] = [each for each in site.all_containers() if each.id.startswith(host)]
    return found


def assert_true_end(site: Site, uid: str, before: dict[str, set[str]]) -> dict[str, Any]:
    """It has ended, within the lease and the time to go on; what runs is what the row says."""
    wait_for(lambda: row(site, uid)["state"] in ENDED, LEASE + GOES_ON, "it ends")
    ended = row(site, uid)
    assert ended["claimed_at"] == ""
    wait_for(site.all_are_healthy, 180, "all are healthy")
    live = ended["state"] == "live"
    assert (site.digests() == before) is not live, ended
    return ended


@pytest.mark.parametrize(("who", "state", "version"), DEATHS)
def test_a_death_leaves_no_lock_and_a_true_end(
    who: str, state: str, version: str, site: Site, told: Told
) -> None:
    before, began = site.digests(), time.monotonic()
    with Client(site.folder, site.api()) as client:
        uid = begin(site, version)
        reach(site, uid, state)
        site.kill(driver(site, uid) if who == "driver" else site.container("ops"))
        ended = assert_true_end(site, uid, before)
        site.settle(client)
    assert client.answers().failed == []
    told(f"{who} killed while {state}: {ended['state']} after {time.monotonic() - began:.0f} s")
    if ended["state"] == "live":
        assert site.deploy(verb="rollback")["state"] == "live"


@pytest.mark.parametrize("who", ["driver", "ops"])
def test_a_death_on_the_way_back_is_no_end_of_it(who: str, site: Site) -> None:
    before = site.digests()
    with Client(site.folder, site.api()) as client:
        uid = begin(site, BAD)
        reach(site, uid, "rolling_back")
        site.kill(driver(site, uid) if who == "driver" else site.container("ops"))
        ended = assert_true_end(site, uid, before)
    assert ended["state"] == "rolled_back"
    assert len(client.answers().failed) <= 0.01 * len(client.answers())


@pytest.mark.skipif(not os.environ.get("KILL_ENGINE"), reason="it stops all that the engine runs")
@pytest.mark.parametrize(
    ("state", "version"),
    [
        ("preparing", GOOD),
        ("backing_up", LINGERING),
        ("migrating", LINGERING),
        ("rolling", GOOD),
        ("soaking", GOOD),
        ("rolling_back", BAD),
    ],
)
def test_the_death_of_the_engine_leaves_no_lock_and_a_true_end(
    state: str, version: str, site: Site, told: Told
) -> None:
    """Callers notice it: without `live-restore` the engine takes its containers with it.

    Engine 20.10 ends them when it comes back, takes them for stopped by hand, and starts none of
    them: `make up` does. The driver's container stays as it is.
    """
    before, began = site.digests(), time.monotonic()
    with Client(site.folder, site.api()):
        uid = begin(site, version)
        reach(site, uid, state)
        kill_engine(site)
        ended = assert_true_end(site, uid, before)
    told(f"engine killed while {state}: {ended['state']} after {time.monotonic() - began:.0f} s")
    if ended["state"] == "live":
        assert site.deploy(verb="rollback")["state"] == "live"


def kill_engine(site: Site) -> None:
    """As a crash does, and start it again, and with `make up` what ran."""
    ran = {each.id for each in site.containers()}
    pid = int(Path("/var/run/docker.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), 30, "the engine is gone")
    subprocess.run([str(ROOT / ".ci" / "engine")], check=True, timeout=180)
    said = make(site, "up").stdout
    assert "started as they were" in said
    assert ran <= {each.id for each in site.containers()}

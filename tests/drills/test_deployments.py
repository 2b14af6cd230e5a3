"""Good and bad versions are deployed while a caller calls 50 times a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.conftest import Told
from tests.drills.deploying import HERE, Site
from tests.drills.onlookers import Client, Operator, Receiver
from tests.stack import versions
from tests.stack.callers import Api
from tests.stack.registry import PROGRAM, a_registry
from tests.stack.stack import free_prefix

KINDS: tuple[versions.Kind, ...] = ("good", "unhealthy", "failing", "errors", "slow")
STAY = ("postgres", "broker", "cache", "haproxy")
"""What no deployment replaces unless it is named."""


def tag(kind: str) -> str:
    """The version of that kind."""
    return f"deploy-{kind}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small site, and the versions that will be deployed there."""
    for kind in KINDS:
        versions.build(kind, tag(kind))
    made = Site(tmp_path_factory.mktemp("deploying"), free_prefix())
    made.down("--volumes")
    try:
        made.begin()
        yield made
    finally:
        made.down("--volumes")
        versions.remove(*map(tag, KINDS))


@pytest.fixture(scope="module")
def receiver(site: Site) -> Iterator[Receiver]:
    """Is told of everything."""
    with Receiver(f"{site.prefix}.4.128") as made:
        site.add_channel(made)
        yield made


@pytest.fixture(scope="module")
def door(site: Site) -> Api:
    """Its REST API, with an exam."""
    return site.api()


def test_a_new_version_comes_without_a_failed_request(
    site: Site, door: Api, receiver: Receiver, told: Told
) -> None:
    site.container("ops").run("python", "manage.py", "scale", HERE, "web", "3", timeout=180)
    before, containers = site.ids(), site.containers()
    plan = site.deploy("--version", tag("good"), "--dry-run")
    assert site.ids() == before

    with Client(site.folder, door) as client, Operator(site.url) as operator:
        done = site.deploy("--version", tag("good"))
        site.settle(client)
    seen = client.answers()

    assert done["state"] == "live", done
    assert seen.failed == []
    assert done["failed_requests"] == 0
    after = site.ids()
    assert len(after["web"]) == 3
    site.assert_went_as_planned(plan, containers)
    assert {name: after[name] for name in STAY} == {name: before[name] for name in STAY}
    assert operator.failures == []
    assert site.runs(tag("good"))
    receiver.wait_for("deployment live", tag("good"))
    told(f"a new version: {done['seconds']:.0f} s, {seen}, {operator.looks} looks of an operator")


def test_the_release_before_comes_back_by_command(site: Site, door: Api, told: Told) -> None:
    with Client(site.folder, door) as client:
        done = site.deploy(verb="rollback")
        site.settle(client)
    assert done["state"] == "live", done
    assert client.answers().failed == []
    assert site.runs(site.tag)
    assert len(site.ids("web")["web"]) == 3
    told(f"back by command: {done['seconds']:.0f} s, {client.answers()}")


def test_a_version_that_never_becomes_healthy_is_taken_back(
    site: Site, door: Api, receiver: Receiver, told: Told
) -> None:
    before, served = site.digests(), site.ids("web", *STAY)
    with Client(site.folder, door) as client:
        done = site.deploy("--version", tag("unhealthy"))
    assert done["state"] == "rolled_back", done
    assert client.answers().failed == []
    assert site.ids("web", *STAY) == served
    assert site.digests() == before
    site.assert_told(done, receiver, "deployment.rolled_back", "did not become healthy")
    told(f"never healthy: {done['seconds']:.0f} s, {client.answers()}")


def test_a_version_whose_migration_fails_replaces_nothing(
    site: Site, door: Api, receiver: Receiver, told: Told
) -> None:
    before = site.ids()
    with Client(site.folder, door) as client:
        done = site.deploy("--version", tag("failing"))
    assert done["state"] == "failed", done
    assert client.answers().failed == []
    assert site.ids() == before
    assert done["backup"]
    site.assert_told(done, receiver, "deployment.failed", "division by zero")
    told(f"failing migration: {done['seconds']:.0f} s, {client.answers()}")


def test_a_version_that_fails_a_tenth_of_its_requests_is_taken_back(
    site: Site, door: Api, receiver: Receiver, told: Told
) -> None:
    before = site.digests()
    with Client(site.folder, door) as client:
        done = site.deploy("--version", tag("errors"))
    assert done["state"] == "rolled_back", done
    seen = client.answers()
    assert 0 < len(seen.failed) <= 0.01 * len(seen)
    assert done["failed_requests"] == len(seen.failed)
    assert site.digests() == before
    site.assert_told(done, receiver, "deployment.rolled_back", "requests to the new version failed")
    told(f"a tenth fails: {done['seconds']:.0f} s, {seen}")


def test_a_version_that_takes_five_times_as_long_is_taken_back(
    site: Site, door: Api, receiver: Receiver, told: Told
) -> None:
    before = site.digests()
    with Client(site.folder, door) as client:
        done = site.deploy("--version", tag("slow"))
    assert done["state"] == "rolled_back", done
    assert client.answers().failed == []
    assert site.digests() == before
    site.assert_told(done, receiver, "deployment.rolled_back", "the slowest twentieth")
    told(f"five times slower: {done['seconds']:.0f} s, {client.answers()}")


@pytest.mark.skipif(not PROGRAM, reason="docker-registry is not installed")
def test_an_expired_login_of_the_registry_touches_nothing(
    site: Site, door: Api, receiver: Receiver, tmp_path: Path, told: Told
) -> None:
    with a_registry(tmp_path) as registry:
        site.use_registry(registry)
        before = site.ids()
        with Client(site.folder, door) as client:
            done = site.deploy("--version", tag("good"))
        assert site.ids() == before
    assert done["state"] == "failed", done
    assert client.answers().failed == []
    site.assert_told(done, receiver, "deployment.failed", "unauthorized: authentication required")
    told(f"expired login: {done['seconds']:.0f} s, {client.answers()}")

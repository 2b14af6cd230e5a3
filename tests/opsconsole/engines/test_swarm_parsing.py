"""What Swarm says of services and tasks, from documents that one has written."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsconsole.engines import swarm_parsing
from opsconsole.engines.base import Health, NotSupported, State, Version
from opsconsole.engines.daemon import LOOK_SECONDS, Daemon
from opsconsole.engines.layout import Layout
from opsconsole.engines.swarm import Swarm

RECORDED = Path(__file__).parent / "recorded"
NOW = datetime(2026, 11, 29, 7, 29, tzinfo=UTC)


def recorded(name: str) -> dict[str, Any]:
    documents: list[dict[str, Any]] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return documents[0]


@pytest.fixture
def service() -> dict[str, Any]:
    """Replicated, twice."""
    return recorded("swarm_services")


@pytest.fixture
def task() -> dict[str, Any]:
    """In slot 2, running, with a check."""
    return recorded("swarm_tasks")


def later(task: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A task in the same slot, made after it."""
    made = deepcopy(task) | {"ID": "later", "CreatedAt": "2026-11-29T07:30:00Z"}
    made["Status"] |= {"State": changes.get("state", "running")}
    made["DesiredState"] = changes.get("desired", "running")
    return made


def test_a_task_that_runs_has_passed_its_check(task: dict[str, Any]) -> None:
    replica = swarm_parsing.replica(task, "web", None, 0, NOW)
    assert (replica.state, replica.health) == (State.RUNNING, Health.HEALTHY)
    assert (replica.name, replica.id) == ("web.2", task["ID"])
    assert replica.addresses == ("10.0.1.3",)
    assert replica.started_at == datetime(2026, 11, 29, 7, 28, 18, 654543, UTC)
    assert replica.exit_code is None


@pytest.mark.parametrize("state", ["new", "pending", "assigned", "preparing", "ready", "starting"])
def test_what_comes_before_it_runs_is_starting(task: dict[str, Any], state: str) -> None:
    task["Status"]["State"] = state
    replica = swarm_parsing.replica(task, "web", None, 0, NOW)
    assert (replica.state, replica.health) == (State.STARTING, Health.STARTING)
    assert replica.started_at is None


def test_a_failed_one_tells_why_without_secrets(task: dict[str, Any]) -> None:
    task["Status"] |= {"State": "failed", "Err": "task: exit (7), token=abcdefgh"}
    task["Status"]["ContainerStatus"]["ExitCode"] = 7
    replica = swarm_parsing.replica(task, "web", None, 2, NOW)
    assert (replica.state, replica.exit_code, replica.restarts) == (State.STOPPED, 7, 2)
    assert replica.health_says.startswith("task: exit (7)")
    assert "abcdefgh" not in replica.health_says
    assert replica.finished_at is not None


def test_an_image_of_a_registry_has_its_digest_on_every_node(task: dict[str, Any]) -> None:
    task["Spec"]["ContainerSpec"]["Image"] = "registry.example/app:1@sha256:abc"
    assert swarm_parsing.replica(task, "web", None, 0, NOW).digest == "sha256:abc"


def test_of_a_slot_the_last_ended_task_is_shown_if_none_runs(task: dict[str, Any]) -> None:
    task["Status"]["State"], task["DesiredState"] = "failed", "shutdown"
    assert swarm_parsing.shown([later(task), task]) == [later(task)]
    ended = later(task, state="failed", desired="shutdown")
    assert swarm_parsing.shown([task, ended]) == [ended]


def test_old_and_new_are_both_shown_while_they_run_beside_each_other(task: dict[str, Any]) -> None:
    task["DesiredState"] = "shutdown"
    new = later(task, state="starting")
    assert swarm_parsing.shown([task, new]) == [task, new]
    assert [swarm_parsing.is_live(one) for one in (task, new)] == [False, True]


def test_failures_are_counted_by_slot(task: dict[str, Any]) -> None:
    failed = later(task, state="failed")
    assert swarm_parsing.failures([task, failed, failed]) == {"2": 2}


def test_how_many_are_wanted_depends_on_the_mode(
    service: dict[str, Any], task: dict[str, Any]
) -> None:
    assert swarm_parsing.wanted_of(service, []) == 2
    service["Spec"]["Mode"] = {"Global": {}}
    assert swarm_parsing.wanted_of(service, [task, later(task, desired="shutdown")]) == 1
    service["Spec"]["Mode"] = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    assert swarm_parsing.wanted_of(service, [task]) == 0
    assert swarm_parsing.is_one_shot(service)


def test_a_check_is_the_specifications_or_the_images(service: dict[str, Any]) -> None:
    assert swarm_parsing.has_check(service, [])
    service["Spec"]["TaskTemplate"]["ContainerSpec"]["Healthcheck"] = {"Test": ["NONE"]}
    checked = {"Healthcheck": {"Test": ["CMD", "true"]}}
    assert not swarm_parsing.has_check(service, [checked])
    del service["Spec"]["TaskTemplate"]["ContainerSpec"]["Healthcheck"]
    assert swarm_parsing.has_check(service, [checked])
    assert not swarm_parsing.has_check(service, [{}])


def test_names_are_without_the_stacks(service: dict[str, Any]) -> None:
    assert swarm_parsing.name_of(service, "site") == "web"


def test_on_several_nodes_the_console_deploys_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Swarm(Layout("an-id", "site", tmp_path))
    monkeypatch.setattr(engine, "daemon", Daemon("unix:///nowhere"))
    monkeypatch.setattr(engine.daemon, "_clients", {LOOK_SECONDS: ThreeNodes()})
    with pytest.raises(NotSupported, match="on several, use make swarm-deploy"):
        engine.commands(Version("2", {}), ["web"])


class ThreeNodes:
    """The API of such an engine."""

    def info(self) -> dict[str, Any]:
        """What is asked of it."""
        return {"Swarm": {"Nodes": 3}}

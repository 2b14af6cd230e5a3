"""What a Docker Engine says, from documents that one has written."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsconsole.engines import parsing
from opsconsole.engines.base import Health, State

RECORDED = Path(__file__).parent / "recorded"
CHECKED = datetime(2026, 11, 29, 7, 8, 11, 733714, UTC)
"""When the recorded container's health was checked last, every second."""
SOON = CHECKED + timedelta(seconds=1)


def recorded(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return document


@pytest.fixture
def container() -> dict[str, Any]:
    """A healthy one: 128 MiB and half a CPU, checked every second with 3 s for the check."""
    return recorded("container")


@pytest.fixture
def stats() -> dict[str, Any]:
    """On an engine with cgroup v1."""
    return recorded("stats_v1")


def v2(memory: int, inactive: int) -> dict[str, Any]:
    """Statistics of an engine with cgroup v2, which has no `total_` figures."""
    return {
        "cpu_stats": {
            "cpu_usage": {"total_usage": 3_000_000_000},
            "system_cpu_usage": 200_000_000_000,
            "online_cpus": 4,
            "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
        },
        "memory_stats": {"usage": memory, "stats": {"inactive_file": inactive}},
    }


def test_it_reads_a_replica(container: dict[str, Any]) -> None:
    replica = parsing.replica(container, "a", "site", SOON)
    assert replica.name == "a-1"
    assert (replica.state, replica.health) == (State.RUNNING, Health.HEALTHY)
    assert replica.digest.startswith("sha256:629d8c86")
    assert replica.image == "pmscoring.local/pm-scoring-app:0.1.0"
    assert replica.started_at == datetime(2026, 11, 29, 7, 8, 7, 966058, UTC)
    assert replica.finished_at is None
    assert replica.exit_code is None
    assert len(replica.addresses) == 1


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("created", State.STARTING),
        ("running", State.RUNNING),
        ("restarting", State.RESTARTING),
        ("exited", State.STOPPED),
        ("paused", State.STOPPED),
        ("dead", State.STOPPED),
        ("a new word", State.STOPPED),
    ],
)
def test_it_has_a_word_for_each_state(container: dict[str, Any], status: str, state: State) -> None:
    container["State"]["Status"] = status
    assert parsing.replica(container, "a", "site", SOON).state is state


def test_an_ended_one_has_an_exit_code_and_no_health(container: dict[str, Any]) -> None:
    container["State"] |= {"Status": "exited", "Running": False, "ExitCode": 137}
    replica = parsing.replica(container, "a", "site", SOON)
    assert (replica.exit_code, replica.health) == (137, Health.NONE)


@pytest.mark.parametrize(
    ("seconds", "health"),
    # Three intervals of 1 s, and 3 s that a check may run.
    [(0, Health.HEALTHY), (5.9, Health.HEALTHY), (6.1, Health.UNKNOWN), (9999, Health.UNKNOWN)],
)
def test_health_that_was_checked_long_ago_is_not_known(
    container: dict[str, Any], seconds: float, health: Health
) -> None:
    seen, says = parsing.health(container, CHECKED + timedelta(seconds=seconds))
    assert seen is health
    assert bool(says) is (health is Health.UNKNOWN)


def test_a_new_one_that_was_never_checked_is_starting_until_it_is_late(
    container: dict[str, Any],
) -> None:
    container["State"]["Health"] = {"Status": "starting", "FailingStreak": 0, "Log": []}
    started = datetime(2026, 11, 29, 7, 8, 8, tzinfo=UTC)
    assert parsing.health(container, started)[0] is Health.STARTING
    assert parsing.health(container, started + timedelta(minutes=1))[0] is Health.UNKNOWN


def test_it_tells_the_checks_own_words_without_secrets(container: dict[str, Any]) -> None:
    container["State"]["Health"] |= {"Status": "unhealthy"}
    container["State"]["Health"]["Log"][-1]["Output"] = "refused: redis://:hunter22@cache/0\n"
    health, says = parsing.health(container, SOON)
    assert health is Health.UNHEALTHY
    assert "refused" in says
    assert "hunter22" not in says


@pytest.mark.parametrize("test", [None, [], ["NONE"]])
def test_no_check_is_no_health(container: dict[str, Any], test: list[str] | None) -> None:
    container["Config"]["Healthcheck"] = {"Test": test} if test is not None else None
    assert parsing.check_of(container["Config"]) is None
    assert parsing.health(container, SOON)[0] is Health.NONE


def test_what_a_check_leaves_out_is_the_engines_own(container: dict[str, Any]) -> None:
    check = parsing.check_of({"Healthcheck": {"Test": ["CMD", "true"], "Interval": 0}})
    assert check is not None
    assert (check.interval, check.timeout, check.retries) == (
        timedelta(seconds=30),
        timedelta(seconds=30),
        3,
    )
    assert check.longest == timedelta(minutes=3)


def test_cores_are_the_share_of_the_machine_by_its_cpus(
    container: dict[str, Any], stats: dict[str, Any]
) -> None:
    earlier, later = parsing.counted(stats), deepcopy(stats)
    later["cpu_stats"]["cpu_usage"]["total_usage"] += 500_000_000
    later["cpu_stats"]["system_cpu_usage"] += 4_000_000_000  # 2 s of 2 CPUs
    usage = parsing.usage(later, container["HostConfig"], earlier)
    assert usage.cpu_cores == pytest.approx(0.25)
    assert usage.cpu_limit == 0.5


def test_the_first_look_knows_no_cpu(container: dict[str, Any], stats: dict[str, Any]) -> None:
    usage = parsing.usage(stats, container["HostConfig"], None)
    assert (usage.cpu_cores, usage.throttled) == (None, None)
    assert usage.memory_bytes == 18288640 - 1695744
    assert usage.memory_limit == 128 * 1024 * 1024


def test_totals_that_went_back_are_of_a_restarted_one(stats: dict[str, Any]) -> None:
    earlier, later = parsing.counted(stats), deepcopy(stats)
    later["cpu_stats"]["cpu_usage"]["total_usage"] = 1
    later["cpu_stats"]["system_cpu_usage"] += 1_000_000_000
    later["cpu_stats"]["throttling_data"] = {"periods": 1, "throttled_periods": 0}
    usage = parsing.usage(later, {}, earlier)
    assert (usage.cpu_cores, usage.throttled) == (None, None)


def test_throttled_is_the_share_of_periods_since(stats: dict[str, Any]) -> None:
    earlier, later = parsing.counted(stats), deepcopy(stats)
    later["cpu_stats"]["throttling_data"] |= {"periods": 20 + 40, "throttled_periods": 30}
    assert parsing.usage(later, {}, earlier).throttled == pytest.approx(0.75)


def test_it_reads_memory_of_cgroup_v2() -> None:
    assert parsing.usage(v2(900, 200), {}, None).memory_bytes == 700


def test_the_statistics_of_a_stopped_one_are_empty() -> None:
    usage = parsing.usage({"cpu_stats": {"cpu_usage": {}}, "memory_stats": {}}, {}, None)
    assert (usage.cpu_cores, usage.memory_bytes) == (None, None)


@pytest.mark.parametrize(
    ("host", "limit"),
    [
        ({"NanoCpus": 1_500_000_000}, 1.5),
        ({"CpuQuota": 50_000, "CpuPeriod": 100_000}, 0.5),
        ({"CpuQuota": 50_000, "CpuPeriod": 0}, 0.5),
        ({"CpuQuota": -1}, None),
        ({}, None),
    ],
)
def test_it_reads_limits_of_the_cpu(host: dict[str, int], limit: float | None) -> None:
    assert parsing.usage(v2(1, 0), host, None).cpu_limit == limit


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        ("2026-11-29T07:08:07Z", datetime(2026, 11, 29, 7, 8, 7, 0, UTC)),
        ("2026-11-29T07:08:07.9Z", datetime(2026, 11, 29, 7, 8, 7, 900000, UTC)),
        ("2026-11-29T16:08:07.123456789+09:00", datetime(2026, 11, 29, 7, 8, 7, 123456, UTC)),
    ],
)
def test_it_reads_times_to_the_microsecond(text: str, moment: datetime | None) -> None:
    assert parsing.moment(text) == moment


def test_one_that_crashes_says_how_it_ended(container: dict[str, Any]) -> None:
    # The engine calls it running as well, and so do all its clients.
    ended = {"Status": "restarting", "Running": True, "OOMKilled": True, "ExitCode": 137}
    container["State"] |= ended
    replica = parsing.replica(container, "a", "site", SOON)
    assert (replica.state, replica.exit_code) == (State.RESTARTING, 137)
    assert replica.health_says == "out of memory"

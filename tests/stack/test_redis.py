"""The broker forgets nothing, the cache may, and neither takes orders from a stranger."""

import pytest

from tests.stack.conftest import Told
from tests.stack.stack import Stack

BOTH = pytest.mark.parametrize("service", ["broker", "cache"])


def facts(stack: Stack, service: str) -> dict[str, str]:
    told = stack.redis(service, "info").splitlines()
    return dict(line.split(":", 1) for line in told if ":" in line)


def test_the_broker_evicts_nothing_and_writes_every_second(stack: Stack, told: Told) -> None:
    found = facts(stack, "broker")
    assert found["maxmemory_policy"] == "noeviction"
    assert found["aof_enabled"] == "1"
    assert found["aof_last_write_status"] == "ok"
    # The product's user may not ask for it.
    settings = stack.container("broker").run("cat", "/etc/redis/broker.conf").splitlines()
    assert "appendfsync everysec" in settings
    told("broker: noeviction, append-only file, everysec")


def test_the_cache_evicts_what_is_used_least_and_writes_nothing(stack: Stack, told: Told) -> None:
    found = facts(stack, "cache")
    assert found["maxmemory_policy"] == "allkeys-lru"
    assert found["aof_enabled"] == "0"
    told("cache: allkeys-lru, nothing on disk")


@pytest.mark.parametrize(("service", "share"), [("broker", 60), ("cache", 75)])
def test_it_may_take_its_share_of_the_containers_memory(
    service: str, share: int, stack: Stack
) -> None:
    memory = stack.container(service).told["HostConfig"]["Memory"]
    assert int(facts(stack, service)["maxmemory"]) == memory * share // 100


@BOTH
def test_without_a_password_nothing_is_answered(service: str, stack: Stack) -> None:
    said = stack.container(service).run("redis-cli", "ping")
    assert "NOAUTH" in said


@BOTH
@pytest.mark.parametrize(
    "words",
    [
        ["flushall"],
        ["shutdown"],
        ["config", "set", "appendonly", "no"],
        ["acl", "setuser", "other", "on", "nopass", "+@all"],
        ["debug", "sleep", "0"],
        ["replicaof", "127.0.0.1", "1"],
        ["module", "load", "/tmp/x.so"],
    ],
    ids=lambda words: words[0],
)
def test_the_products_user_may_not_administer(service: str, words: list[str], stack: Stack) -> None:
    said = stack.redis(service, *words)
    assert "NOPERM" in said or "command not allowed" in said

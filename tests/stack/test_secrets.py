"""No secret's value is where anybody but its reader sees it."""

import json
from collections.abc import Iterator

import pytest

from tests.stack import count
from tests.stack.callers import Api, Load
from tests.stack.conftest import Told
from tests.stack.engine import docker, docker_logs, wait_for
from tests.stack.stack import PROJECT, Container, Stack

READERS = {
    "secret_key": {"web", "worker", "beat", "migrate", "ops"},
    "inference_token": {"web", "worker", "beat", "migrate", "ops", "inference", "prometheus"},
    "database_password": {"web", "worker", "beat", "migrate", "ops", "postgres"},
    "postgres_password": {"postgres"},
    "broker_password": {"web", "worker", "beat", "migrate", "ops", "broker"},
    "cache_password": {"web", "worker", "beat", "migrate", "ops", "cache"},
    "haproxy_password": {"haproxy"},
    "grafana_password": {"grafana"},
}


@pytest.fixture(scope="module")
def values(stack: Stack) -> dict[str, str]:
    made = {name: stack.secret(name) for name in READERS}
    key = (stack.secrets / "tls" / "tls.key").read_text().splitlines()
    return made | {"tls/tls.key": key[1]}


def shown(text: str, values: dict[str, str]) -> list[str]:
    return [name for name, value in values.items() if value in text]


def everything(stack: Stack) -> Iterator[tuple[str, str]]:
    """What the engine and Compose tell anybody who may ask them."""
    for one in stack.containers(ended=True):
        yield one.name, json.dumps(one.told)
        yield f"history of {one.name}", docker("history", "--no-trunc", one.told["Image"])
        yield f"image of {one.name}", docker("inspect", one.told["Image"])
        yield f"log of {one.name}", docker_logs(one.id)
    yield "config", stack.compose("config")
    for kind in ("network", "volume"):
        label = f"--filter=label=com.docker.compose.project={PROJECT}"
        names = docker(kind, "ls", "-q", label).split()
        yield kind, docker(kind, "inspect", *names)


def test_no_secret_is_told_by_the_engine_or_by_compose(
    stack: Stack, values: dict[str, str], told: Told
) -> None:
    places = dict(everything(stack))
    assert {place: found for place, text in places.items() if (found := shown(text, values))} == {}
    told(f"{len(values)} secrets sought in {len(places)} outputs of docker")


def test_no_secret_is_in_a_processs_environment_or_arguments(
    stack: Stack, values: dict[str, str], told: Told
) -> None:
    script = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null || true"
    size = 0
    for one in stack.containers():
        text = one.run("sh", "-c", script)
        assert "PATH=" in text, f"{one.name} shows no environment at all"
        assert shown(text, values) == [], one.name
        size += len(text)
    told(f"and in {size} characters of environments and arguments")


def files(one: Container) -> set[str]:
    return set(one.run("sh", "-c", "ls /run/secrets 2>/dev/null || true").split())


def test_each_secret_is_mounted_only_where_it_is_read(stack: Stack) -> None:
    for one in stack.containers():
        expected = {name for name, readers in READERS.items() if one.service in readers}
        assert files(one) == expected, one.name


def test_the_operations_worker_cannot_read_the_folder_of_secrets(stack: Stack) -> None:
    ops = stack.container("ops")
    folder = f"{stack.environment['INSTALL_DIR']}/compose/secrets"
    assert ops.run("sh", "-c", f"ls {folder} 2>/dev/null || true") == ""


@pytest.mark.parametrize(
    "name", ["database_password", "broker_password", "cache_password", "inference_token"]
)
def test_a_secret_gets_a_new_value_without_a_failed_request(
    stack: Stack, api: Api, told: Told, name: str
) -> None:
    before = {one.id for one in stack.containers()}
    old = stack.secret(name)

    with Load(api) as load:
        answered = load.requests
        ops = stack.container("ops")
        said = ops.run("python", "manage.py", "secrets", "rotate", name, timeout=300)
        wait_for(lambda: load.requests > answered + 100, 180, "the load goes on")

    assert "has a new value" in said
    assert load.failures == []
    assert stack.secret(name) != old
    assert {one.id for one in stack.containers()} == before
    count.wait_until_scored(stack)
    assert all(one.is_ready() for one in stack.containers())
    told(f"{name} rotated under load: {load.requests} requests, {len(load.failures)} failed")

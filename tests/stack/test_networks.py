"""Each service reaches what compose/networks.yaml says and nothing else, tried from inside."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.stack.conftest import Told
from tests.stack.engine import docker, inspect
from tests.stack.reach import Look, Place, Table, look, probe, table
from tests.stack.stack import Container, Stack


@pytest.fixture(scope="module")
def allowed() -> Table:
    return table("networks", "networks.monitoring")


@pytest.fixture(scope="module")
def callers(stack: Stack) -> Iterator[list[Container]]:
    """All that run, and `migrate`, which has ended, once more for as long as these tests last."""
    words = ["run", "-d", "--no-deps", "--name", "pmscoring-test-migrate-waiting"]
    stack.compose(*words, "migrate", "sleep", "600")
    [waiting] = stack.containers("migrate")
    yield [*stack.containers(), waiting]
    docker("rm", "-f", waiting.id)


@pytest.fixture(scope="module")
def outside(stack: Stack) -> list[Place]:
    """An address beyond this host that a container of the engine's own network reaches: the index
    of Python packages. None where there is none."""
    url = urlsplit(os.environ.get("PIP_INDEX_URL") or "https://pypi.org/")
    try:
        with socket.create_connection((url.hostname or "", url.port or 443), 5) as found:
            address, port = found.getpeername()[:2]
    except OSError:
        return []
    place = (str(address), int(port))
    return [place] if probe(stack, "bridge", [place])["answered"][0] else []


@pytest.fixture(scope="module")
def looks(
    stack: Stack, callers: list[Container], allowed: Table, outside: list[Place]
) -> list[Look]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda one: look(stack, one, callers, allowed, outside), callers))


def test_every_service_stands_in_the_table(callers: list[Container], allowed: Table) -> None:
    known = {caller for caller, _, _ in allowed.needed | allowed.harmless} | set(allowed.ports)
    assert {one.service for one in callers} <= known


def test_each_reaches_exactly_what_the_table_says(
    looks: list[Look], callers: list[Container], allowed: Table, told: Told
) -> None:
    running = {one.service for one in callers}
    expected = {pair for pair in allowed.needed | allowed.harmless if running.issuperset(pair[:2])}
    reached = {pair for one in looks for pair in one.reached}
    assert reached - expected == set(), "reached, and not in the table"
    assert expected - reached == set(), "in the table, and not reached"
    tried = sum(one.tried for one in looks)
    told(f"{tried} pairs of caller and address tried from inside {len(looks)} containers")
    told(f"{len(reached)} pairs of services and ports reached, as the table says")


def test_nothing_listens_but_on_the_tables_ports(
    looks: list[Look], callers: list[Container], allowed: Table
) -> None:
    for caller, found in zip(callers, looks, strict=True):
        assert found.listening == set(allowed.ports.get(caller.service, [])), caller.name


def test_the_host_itself_is_reached_as_the_documentation_warns(
    stack: Stack, callers: list[Container], told: Told
) -> None:
    """Where this fails, docs/containers.md warns of what an engine has stopped doing."""
    caller = next(one for one in callers if one.service == "inference")
    networks = caller.told["NetworkSettings"]["Networks"].values()
    with socket.create_server(("0.0.0.0", 0)) as everywhere:  # noqa: S104
        places = [
            (one["Gateway"] or _gateway(one), everywhere.getsockname()[1]) for one in networks
        ]
        answered = probe(stack, f"container:{caller.id}", places)["answered"]
    assert answered == [True] * len(networks)
    told("the host's own addresses are reached, also from internal networks")


def _gateway(network: dict[str, Any]) -> str:
    """As the network has it, which an internal one does not hand on to its containers."""
    [known] = inspect(network["NetworkID"])
    return str(known["IPAM"]["Config"][0]["Gateway"])


def test_nobody_calls_beyond_this_host(
    looks: list[Look], callers: list[Container], allowed: Table, outside: list[Place], told: Told
) -> None:
    if not outside:
        pytest.skip("this host, or the engine's own network, reaches nothing outside")
    for caller, found in zip(callers, looks, strict=True):
        assert found.calls_outside == (caller.service in allowed.outside), caller.name
    told("nothing beyond the host, which a container of the engine's own network reaches")

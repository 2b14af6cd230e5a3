"""What the containers may do: as the kernel tells inside them, and as docker-bench-security asks.

That script's items are those that its own numbering (CIS Docker Benchmark 1.3 and later) gives.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from tests.stack import inside
from tests.stack.conftest import Told
from tests.stack.engine import EngineError, docker, inspect, wait_for
from tests.stack.stack import Container, Stack

USERS = {"node-exporter": {65534}, "cadvisor": {65534}, "alloy": {0}}
OURS = {1000}
Fault = Callable[[dict[str, Any]], object]
Running = list[tuple[Container, inside.Process]]


@pytest.fixture(scope="module")
def running(stack: Stack) -> Running:
    """Every process of every container."""
    return [(one, process) for one in stack.containers() for process in inside.processes(one)]


def ports(told: dict[str, Any]) -> list[dict[str, str]]:
    published = (told["NetworkSettings"]["Ports"] or {}).values()
    return [place for places in published for place in places or []]


# Each is true of a container about which docker-bench-security would print WARN.
RUNTIME: dict[str, Fault] = {
    "4.1 a user of its own": lambda told: told["Config"]["User"].split(":")[0] in ("", "0", "root"),
    "5.3 no added capability": lambda told: told["HostConfig"]["CapAdd"],
    "5.4 not privileged": lambda told: told["HostConfig"]["Privileged"],
    "5.10 memory is limited": lambda told: told["HostConfig"]["Memory"] == 0,
    "5.11 CPU shares are set": lambda told: told["HostConfig"]["CpuShares"] == 0,
    "5.12 root is read-only": lambda told: not told["HostConfig"]["ReadonlyRootfs"],
    "5.13 ports on one interface": lambda told: [
        place for place in ports(told) if ip_address(place["HostIp"]).is_unspecified
    ],
    "5.25 no new privileges": lambda told: (
        not any(
            option in ("no-new-privileges", "no-new-privileges:true")
            for option in told["HostConfig"]["SecurityOpt"] or []
        )
    ),
    "5.26 health is checked": lambda told: "Health" not in told["State"],
    "5.28 processes are limited": lambda told: (told["HostConfig"]["PidsLimit"] or 0) <= 0,
}


@pytest.mark.parametrize("item", RUNTIME)
def test_docker_bench_security_warns_of_no_container(item: str, stack: Stack, told: Told) -> None:
    containers = stack.containers()
    assert [one.name for one in containers if RUNTIME[item](one.told)] == []
    told(item)


def test_docker_bench_security_4_6_every_image_has_a_health_check(stack: Stack, told: Told) -> None:
    images = {one.told["Image"] for one in stack.containers() if one.service in OUR_IMAGES}
    told("4.6 health checks in our images")
    assert [told["RepoTags"] for told in inspect(*images) if not has_check(told)] == []


OUR_IMAGES = {"web", "worker", "beat", "ops", "inference"}


def has_check(image: dict[str, Any]) -> bool:
    return bool(image["Config"].get("Healthcheck", {}).get("Test", ["NONE"]) != ["NONE"])


def test_docker_bench_security_5_6_no_ssh_server_runs(running: Running, told: Told) -> None:
    assert "sshd" not in {process.name for _, process in running}
    told("5.6 no sshd")


def test_docker_bench_security_5_31_the_engines_socket_is_in_the_operations_worker_alone(
    stack: Stack, told: Told
) -> None:
    holders = {
        one.service
        for one in stack.containers()
        for mount in one.told["Mounts"]
        if mount["Source"].endswith("docker.sock") or "docker.sock" in mount["Destination"]
    }
    assert holders == {"ops"}
    told("5.31 the socket: ops alone, which needs it")


def test_every_process_runs_as_the_containers_own_user(running: Running, told: Told) -> None:
    for one, process in running:
        assert process.users == USERS.get(one.service, OURS), (one.name, process.name)
    told(f"{len(running)} processes of {len({one.name for one, _ in running})} containers")


def test_no_process_has_a_capability_or_may_gain_privileges(running: Running) -> None:
    for one, process in running:
        assert process.capabilities == 0, (one.name, process.name)
        assert not process.may_gain_privileges, (one.name, process.name)
        assert process.is_filtered, (one.name, process.name)


def test_the_root_file_system_is_read_only(stack: Stack) -> None:
    for one in stack.containers():
        assert "ro" in inside.root_mount(one), one.name


def test_only_named_places_can_be_written(stack: Stack) -> None:
    for one in stack.containers():
        allowed = {*(one.told["HostConfig"].get("Tmpfs") or {}), *volumes(one)}
        assert inside.writable_mounts(one) <= allowed | ENGINES, one.name


# Files that the engine itself mounts from the host; root's, and so closed to user 1000.
ENGINES = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/docker.sock"}


def volumes(one: Container) -> set[str]:
    return {mount["Destination"] for mount in one.told["Mounts"] if mount["RW"]}


def test_what_the_engine_mounts_from_the_host_cannot_be_written(stack: Stack) -> None:
    for one in stack.containers():
        for file in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf"):
            with pytest.raises(EngineError):
                one.run("sh", "-c", f": >>{file}")


def test_the_limits_of_processes_and_memory_hold_inside(stack: Stack) -> None:
    for one in stack.containers():
        host = one.told["HostConfig"]
        assert inside.limit(one, "pids") == host["PidsLimit"] > 0, one.name
        assert inside.limit(one, "memory") == host["Memory"] > 0, one.name


def test_more_processes_than_allowed_are_refused(stack: Stack) -> None:
    # The broker has the smallest limit, and this many shells cannot start.
    broker = stack.container("broker")
    most = broker.told["HostConfig"]["PidsLimit"]
    script = f"i=0; while [ $i -lt {2 * most} ]; do sleep 2 & i=$((i+1)); done; wait"
    with pytest.raises(EngineError, match="fork"):
        broker.run("sh", "-c", script)
    # The shells' sleeps outlive them, and a ping wants a process too.
    wait_for(lambda: stack.redis("broker", "ping") == "PONG", 30, "the broker answers")


def test_only_the_operations_worker_reaches_the_engine(stack: Stack, told: Told) -> None:
    socket, holders = "/var/run/docker.sock", set()
    for one in stack.containers():
        mounts = {mount["Destination"] for mount in one.told["Mounts"]}
        if socket in mounts or any(
            "docker.sock" in mount["Source"] for mount in one.told["Mounts"]
        ):
            holders.add(one.service)
        elif one.service == "web":
            assert not one.told["HostConfig"]["GroupAdd"]
            seen = docker("exec", one.id, "sh", "-c", f"test -e {socket} || echo not there")
            assert seen == "not there\n"
    assert holders == {"ops"}
    told("the engine's socket is in the operations worker alone")

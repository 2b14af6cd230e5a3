"""Every combination of overlays is one that Compose takes, and no combination loses the hardening.

Needs Compose's command alone, and no engine. EVERY_COMBINATION=1 tries all of them.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from itertools import chain, combinations
from typing import Any

import pytest

from tests.paths import ROOT

COMPOSE = ROOT / "compose"
KINDS = ("dev", "staging", "production", "test")
EXTRAS = ("scale", "security", "monitoring", "gpu", "egress", "nfs", "pitr")
SITES = {"public": [], "local": ["--env-file", "local.env"]}
# These run as root, once, without a network; Alloy as a root that can do nothing.
ROOTS = {"prepare", "prepare-monitoring", "init-secrets", "alloy"}
Services = dict[str, dict[str, Any]]


def why_not() -> str:
    """Why Compose cannot be asked; empty where it can."""
    if not shutil.which("docker"):
        return "no docker command"
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return "docker compose is not installed" if done.returncode else ""


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "Compose is here")


def sets_of_extras(site: str) -> list[tuple[str, ...]]:
    """None, each, each pair and all; none and all where images alone differ; or really all."""
    sizes: Iterable[int] = (0, 1, 2, len(EXTRAS)) if site == "public" else (0, len(EXTRAS))
    if os.environ.get("EVERY_COMBINATION"):
        sizes = range(len(EXTRAS) + 1)
    return list(chain.from_iterable(combinations(EXTRAS, size) for size in sizes))


def compose(overlays: tuple[str, ...], site: str, *words: str, **variables: str) -> str:
    """What `docker compose … config` prints, with nothing of this machine's environment."""
    files = [word for name in ("compose", *overlays) for word in ("-f", f"{name}.yaml")]
    argv = ["docker", "compose", *SITES[site], *files, "--profile", "*", "config", *words]
    told = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    told |= {"NFS_SERVER": "nfs.example", **variables}
    done = subprocess.run(
        argv, cwd=COMPOSE, env=told, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{overlays}: {done.stderr}"
    assert "not set" not in done.stderr, f"{overlays}: {done.stderr}"
    return done.stdout


def services(*overlays: str, **variables: str) -> Services:
    made = json.loads(compose(overlays, "public", "--format", "json", **variables))["services"]
    # A provider service is a script of the host's, and no container.
    return {name: service for name, service in made.items() if "provider" not in service}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", KINDS)
def test_compose_takes_it(kind: str, site: str) -> None:
    for extras in sets_of_extras(site):
        compose((kind, *extras), site, "--quiet")


@pytest.mark.parametrize("kind", KINDS)
def test_no_overlay_takes_the_hardening_away(kind: str) -> None:
    told = services(kind, *EXTRAS)
    assert len(told) > 15
    for name, service in told.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        added = ["CHOWN"] if name.startswith("prepare") else None
        assert service.get("cap_add") == added, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
        assert name in ROOTS or not service["user"].startswith("0"), name
        if name != "tests":
            limits = service["deploy"]["resources"]["limits"]
            assert limits["memory"], name
            assert limits["pids"], name


@pytest.mark.parametrize("kind", KINDS)
def test_the_engines_socket_is_in_the_operations_worker_alone(kind: str) -> None:
    holders = {
        name
        for name, service in services(kind, *EXTRAS).items()
        for volume in service.get("volumes", [])
        if "docker.sock" in volume.get("source", "")
    }
    assert holders == {"ops"}


@pytest.mark.parametrize("kind", KINDS)
def test_backups_are_written_by_the_operations_worker_alone_and_web_may_read_them(
    kind: str,
) -> None:
    modes = {
        name: "read" if volume.get("read_only") else "write"
        for name, service in services(kind, *EXTRAS).items()
        for volume in service.get("volumes", [])
        if volume["target"] == "/srv/pmscoring/backups"
    }
    assert modes == {"ops": "write", "web": "read"}


@pytest.mark.parametrize("kind", KINDS)
def test_addresses_keys_and_logins_are_in_the_operations_worker_alone(
    kind: str,
) -> None:
    holders = {
        (name, volume["target"], volume.get("read_only"))
        for name, service in services(kind, *EXTRAS, SECRETS_DIR="/secrets").items()
        for volume in service.get("volumes", [])
        if volume.get("source", "").startswith(
            ("/secrets/stores", "/secrets/channels", "/secrets/registry")
        )
    }
    assert holders == {
        ("ops", "/srv/pmscoring/stores", True),
        ("ops", "/srv/pmscoring/channels", True),
        ("ops", "/srv/pmscoring/registry", True),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_data_in_a_folder_of_the_host_are_bound_without_options_that_only_volumes_have(
    kind: str,
) -> None:
    bound = [
        (name, volume)
        for name, service in services(kind, *EXTRAS, DATA_DIR="/data").items()
        for volume in service.get("volumes", [])
        if volume.get("source", "").startswith("/data/")
    ]
    assert {volume["source"].removeprefix("/data/") for _, volume in bound} >= {
        "backups",
        "broker",
        "postgres",
        "prometheus",
        "uploads",
    }
    # The engine refuses such a mount: "field VolumeOptions must not be specified".
    assert [(name, volume) for name, volume in bound if volume.get("volume")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_image_has_an_exact_version(kind: str) -> None:
    for name, service in services(kind, *EXTRAS).items():
        _, _, tag = service["image"].rpartition(":")
        assert any(sign.isdigit() for sign in tag), f"{name}: {service['image']}"
        assert "latest" not in tag


def test_monitoring_finds_what_runs_before_it_is_added() -> None:
    """Where their networks and names are the same, none of them need be made anew to be scraped."""
    before, after = services("production"), services("production", "monitoring")
    for name in ("web", "haproxy", "inference"):
        assert after[name]["networks"] == before[name]["networks"], name
    assert before["web"]["networks"]["backend"]["aliases"] == ["web-metrics"]
    assert before["haproxy"]["networks"]["ops"]["aliases"] == ["haproxy-statistics"]


def test_only_nginx_is_ever_opened_to_other_machines() -> None:
    told = services("production", *EXTRAS, PUBLIC_ADDRESS="192.0.2.7")
    opened = {
        name: {port["host_ip"] for port in service["ports"]}
        for name, service in told.items()
        if service.get("ports")
    }
    assert opened.pop("nginx") == {"192.0.2.7"}
    assert set(opened) == {"haproxy", "prometheus", "grafana"}
    assert set().union(*opened.values()) == {"127.0.0.1"}


def test_networks_but_those_with_published_ports_are_internal() -> None:
    told = json.loads(compose(("production", *EXTRAS), "public", "--format", "json"))["networks"]
    inside = {name for name, network in told.items() if network.get("internal")}
    assert set(told) - inside == {"frontend", "monitoring", "egress"}

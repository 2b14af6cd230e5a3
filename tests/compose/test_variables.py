"""Every variable of env.example, set to another value, is seen to have its effect.

What Compose, Swarm's client and buildx make of the files is looked at, with all variables set at
once; what a process makes of what it is given is tested where that process is.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose.test_combinations import EXTRAS, why_not
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "Compose is here")
COMPOSE = ROOT / "compose"
GIB = 2**30
SERVICE = {
    "WEB": "web", "WORKER": "worker", "BEAT": "beat", "OPS": "ops", "INFERENCE": "inference",
    "POSTGRES": "postgres", "BROKER": "broker", "CACHE": "cache", "HAPROXY": "haproxy",
    "NGINX": "nginx", "PITR": "pitr", "PROMETHEUS": "prometheus", "GRAFANA": "grafana",
    "LOKI": "loki", "ALLOY": "alloy", "NODE_EXPORTER": "node-exporter", "CADVISOR": "cadvisor",
}  # fmt: skip
"""Prefix of a variable → service."""


def limit(name: str) -> str:
    """Where the memory limit of a service is."""
    return f"services.{SERVICE[name.removesuffix('_MEMORY')]}.deploy.resources.limits.memory"


def reserved(service: str, what: str) -> str:
    return f"services.{service}.deploy.resources.reservations.{what}"


def of_web(name: str) -> tuple[str, str]:
    """A variable that web reads under the same name, and a place where it is."""
    return "compose", f"services.web.environment.{name}"


# Variable → (another value, what reads it, the place in what comes of it, what stands there). Where
# the last is left out it is the value; a place may lead through lists, of which all is looked at.
Case = tuple[str, str, str] | tuple[str, str, str, Any]
WEB = {
    "LOG_LEVEL": "DEBUG", "TIME_ZONE": "Europe/Oslo",
    "CSRF_TRUSTED_ORIGINS": "https://other.example", "COOKIE_SECURE": "false",
    "DATABASE_URL": "postgresql://other@db.example:5432/other",
    "BROKER_URL": "redis://other@broker.example:6379/1",
    "CACHE_URL": "redis://other@cache.example:6379/2", "DATABASE_POOL": "11",
    "INFERENCE_TIMEOUT": "77", "SCORING_BATCH": "55", "SCORING_STALLED_SECONDS": "99",
    "BACKUP_JOBS": "7", "BACKUP_STALLED_SECONDS": "301", "DEPLOY_LEASE_SECONDS": "61",
    "SOAK_SECONDS": "62", "RELEASES_KEPT": "9", "DISK_RESERVE_BYTES": "1048577",
    "MAX_UPLOAD_BYTES": "1048576",
    "THROTTLE_RATE": "1/s", "THROTTLE_RATE_SCORE": "2/s", "THROTTLE_RATE_TOKENS": "3/s",
    "THROTTLE_RATE_OPS": "4/s", "THROTTLE_RATE_REFUSED": "5/s", "THROTTLE_RATE_SIGN_IN": "6/h",
    "WEB_WORKERS": "3", "WEB_THREADS": "5", "WEB_TIMEOUT": "66", "WEB_DRAIN_SECONDS": "8",
}  # fmt: skip
IMAGES = {
    "POSTGRES_IMAGE": "postgres", "REDIS_IMAGE": "cache", "HAPROXY_IMAGE": "haproxy",
    "NGINX_IMAGE": "nginx", "PROMETHEUS_IMAGE": "prometheus", "GRAFANA_IMAGE": "grafana",
    "LOKI_IMAGE": "loki", "ALLOY_IMAGE": "alloy", "NODE_EXPORTER_IMAGE": "node-exporter",
    "CADVISOR_IMAGE": "cadvisor",
}  # fmt: skip
CASES: dict[str, Case] = {
    **{name: (value, *of_web(name)) for name, value in WEB.items()},
    **{
        name: (f"mirror.example/{service}:9", "base", f"services.{service}.image")
        for name, service in IMAGES.items()
    },
    **{
        f"{prefix}_MEMORY": ("3G", "compose", limit(f"{prefix}_MEMORY"), str(3 * GIB))
        for prefix in SERVICE
    },
    # The overlays of each kind of environment have one of their own.
    "ENVIRONMENT": ("staging", "plain", "services.web.environment.ENVIRONMENT"),
    "ALLOWED_HOSTS": (
        "other.example",
        *of_web("ALLOWED_HOSTS"),
        "localhost,127.0.0.1,[::1],other.example",
    ),
    "COMPOSE_PROJECT_NAME": ("other", "compose", "name"),
    "OVERLAYS": ("dev", "make", "-f compose/dev.yaml"),
    "COMPOSE_PROFILES": ("ops", "profiles", "nginx", None),
    "INSTALL_DIR": ("/srv/other", "compose", "services.ops.volumes.target"),
    "DOCKER_GID": ("1234", "compose", "services.ops.group_add"),
    "DOCKER_SOCKET": ("/run/other.sock", "compose", "services.ops.volumes.source"),
    "HOST_UID": ("1111", "compose", "services.init-secrets.user", "1111:2222"),
    "HOST_GID": ("2222", "compose", "services.init-secrets.user", "1111:2222"),
    "REGISTRY_URL": (
        "registry.example",
        "compose",
        "services.web.image",
        "registry.example/pm-scoring-app:9.9.9",
    ),
    "VERSION": (
        "9.9.9",
        "compose",
        "services.inference.image",
        "registry.example/pm-scoring-inference:9.9.9-cuda",
    ),
    "PYTHON_APP_BASE": ("python:other", "bake", "target.app.args.PYTHON_APP_BASE"),
    "PYTHON_INFERENCE_BASE": (
        "python:another",
        "bake",
        "target.inference.args.PYTHON_INFERENCE_BASE",
    ),
    "WHEELS_IMAGE": ("wheels:2", "bake", "target.inference.args.WHEELS_IMAGE"),
    "TORCH_CPU_INDEX": ("https://torch.example", "bake", "target.inference.args.TORCH_CPU_INDEX"),
    "CELERY_CONCURRENCY": ("6", "compose", "services.worker.environment.CELERY_CONCURRENCY"),
    "WORKER_GRACE": ("99s", "compose", "services.worker.stop_grace_period", "1m39s"),
    "SCORING_MODEL": ("/models/other", "compose", "services.inference.environment.SCORING_MODEL"),
    "INFERENCE_THREADS": ("3", "compose", "services.inference.environment.INFERENCE_THREADS"),
    "INFERENCE_DEVICE": ("cuda:1", "compose", "services.inference.environment.INFERENCE_DEVICE"),
    "INFERENCE_PRECISION": (
        "fp32",
        "compose",
        "services.inference.environment.INFERENCE_PRECISION",
    ),
    "PUBLIC_ADDRESS": ("0.0.0.0", "compose", "services.nginx.ports.host_ip"),  # noqa: S104
    "HTTP_PORT": ("8001", "compose", "services.nginx.ports.published"),
    "HTTPS_PORT": ("8002", "compose", "services.nginx.environment.HTTPS_PORT"),
    "HAPROXY_BIND": ("192.0.2.8", "compose", "services.haproxy.ports.host_ip"),
    "HAPROXY_PORT": ("8003", "compose", "services.haproxy.ports.published"),
    "HAPROXY_STATS_PORT": ("8004", "compose", "services.haproxy.ports.published"),
    "SUBNET_PREFIX": (
        "172.16",
        "compose",
        "networks.database.ipam.config.subnet",
        "172.16.3.0/24",
    ),
    "SECRETS_DIR": (
        "/srv/secrets",
        "compose",
        "secrets.secret_key.file",
        "/srv/secrets/secret_key",
    ),
    "TLS_HOSTS": ("other.example", "compose", "services.init-secrets.command"),
    "TLS_CERT": ("/no/such.crt", "reload", "TLS_CERT and TLS_KEY must name files"),
    "TLS_KEY": ("/no/such.key", "reload", "TLS_CERT and TLS_KEY must name files"),
    "DATA_DIR": ("/srv/data", "compose", "services.postgres.volumes.source", "/srv/data/postgres"),
    "MODEL_CACHE_SIZE": (
        "1g",
        "compose",
        "volumes.model_cache.driver_opts.o",
        "size=1g,uid=1000,gid=1000,mode=0700",
    ),
    "NFS_SERVER": (
        "other.example",
        "compose",
        "volumes.shared_models.driver_opts.o",
        "addr=other.example,ro,nfsvers=4",
    ),
    "NFS_EXPORT": ("/other", "compose", "volumes.shared_models.driver_opts.device", ":/other"),
    "API_REPLICAS": ("4", "compose", "services.web.deploy.replicas", 4),
    "WORKER_REPLICAS": ("7", "compose", "services.worker.deploy.replicas", 7),
    "INFERENCE_REPLICAS": ("2", "compose", "services.inference.deploy.replicas", 2),
    "WEB_CPUS": ("1.5", "compose", "services.web.deploy.resources.limits.cpus", 1.5),
    "WEB_CPUS_RESERVED": ("0.7", "compose", reserved("web", "cpus"), 0.7),
    "WEB_MEMORY_RESERVED": ("2G", "compose", reserved("web", "memory"), str(2 * GIB)),
    "WORKER_CPUS": ("1.6", "compose", "services.worker.deploy.resources.limits.cpus", 1.6),
    "WORKER_MEMORY_RESERVED": ("2G", "compose", reserved("worker", "memory"), str(2 * GIB)),
    "INFERENCE_MEMORY_RESERVED": ("2G", "compose", reserved("inference", "memory"), str(2 * GIB)),
    "POSTGRES_MEMORY_RESERVED": ("2G", "compose", reserved("postgres", "memory"), str(2 * GIB)),
    "POSTGRES_SHM": ("512m", "compose", "services.postgres.shm_size", str(GIB // 2)),
    "LOG_MAX_SIZE": ("5m", "compose", "services.web.logging.options.max-size"),
    "LOG_MAX_FILES": ("2", "compose", "services.web.logging.options.max-file"),
    "APPARMOR_PROFILE": ("other", "compose", "services.web.security_opt", "apparmor:other"),
    "PITR_HOURS": ("12", "compose", "services.pitr.environment.PITR_HOURS"),
    "PITR_FULL_DAYS": ("3", "compose", "services.pitr.environment.PITR_FULL_DAYS"),
    "PITR_LOOK_SECONDS": ("30", "compose", "services.pitr.environment.PITR_LOOK_SECONDS"),
    "PROMETHEUS_PORT": ("9191", "compose", "services.prometheus.ports.published"),
    "GRAFANA_PORT": ("3131", "compose", "services.grafana.ports.published"),
    "PROMETHEUS_RETENTION": (
        "10d",
        "compose",
        "services.prometheus.command",
        "--storage.tsdb.retention.time=10d",
    ),
    "PROMETHEUS_RETENTION_SIZE": (
        "1GB",
        "compose",
        "services.prometheus.command",
        "--storage.tsdb.retention.size=1GB",
    ),
    "DOCKER_ROOT": ("/other", "compose", "services.alloy.volumes.source", "/other/containers"),
    "PROMETHEUS_URL": ("http://p.example", "compose", "services.ops.environment.PROMETHEUS_URL"),
    "GRAFANA_PASSWORD": (
        "chosen",
        "compose",
        "services.init-secrets.environment.GRAFANA_PASSWORD",
    ),
    "SWARM_SUBNET_PREFIX": (
        "172.17",
        "swarm",
        "networks.database.ipam.config.subnet",
        "172.17.3.0/24",
    ),
    "UPLOADS_TYPE": ("nfs", "swarm", "volumes.uploads.driver_opts.type"),
    "UPLOADS_OPTIONS": ("addr=a", "swarm", "volumes.uploads.driver_opts.o"),
    "UPLOADS_DEVICE": ("/u", "swarm", "volumes.uploads.driver_opts.device"),
    "BACKUPS_TYPE": ("nfs4", "swarm", "volumes.backups.driver_opts.type"),
    "BACKUPS_OPTIONS": ("addr=b", "swarm", "volumes.backups.driver_opts.o"),
    "BACKUPS_DEVICE": ("/b", "swarm", "volumes.backups.driver_opts.device"),
    "HAPROXY_REPLICAS": ("2", "swarm", "services.haproxy.deploy.replicas", 2),
    "HAPROXY_ENDPOINT_MODE": ("dnsrr", "swarm", "services.haproxy.deploy.endpoint_mode"),
    "OPS_REPLICAS": ("0", "swarm", "services.ops.deploy.replicas", 0),
    "SECRETS_VERSION": ("3", "swarm", "secrets.secret_key.name", "other_secret_key_3"),
    "CONFIG_VERSION": ("4", "swarm", "configs.nginx_conf.name", "other_nginx_conf_4"),
}
VALUES = {name: case[0] for name, case in CASES.items()}
# What make itself gives these is not looked at there.
OWN = ("OVERLAYS", "COMPOSE_PROFILES")


def run(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command with nothing of this machine's environment but these."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        argv, cwd=ROOT, env={**kept, **variables}, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


@cache
def rendered(by: str) -> Any:
    """What comes of the files by Compose, Swarm's client, buildx or make, all variables set."""
    given = {name: value for name, value in VALUES.items() if name not in OWN}
    overlays = {
        "plain": (),
        "base": ("production", "monitoring"),
        "compose": ("production", *EXTRAS),
    }
    if by in overlays:
        files = [
            word for name in ("compose", *overlays[by]) for word in ("-f", f"compose/{name}.yaml")
        ]
        words = ["docker", "compose", "--env-file=/dev/null", *files, "--profile=*", "config"]
        return json.loads(run(*words, "--format=json", **given).stdout)
    if by == "profiles":
        words = ["docker", "compose", "--env-file=/dev/null", "-f", "compose/compose.yaml"]
        done = run(*words, "config", "--services", **given, COMPOSE_PROFILES="ops")
        return dict.fromkeys(done.stdout.split(), "started")
    if by == "swarm":
        return yaml.safe_load(
            run("docker", "stack", "config", "-c=compose/stack.yaml", **given).stdout
        )
    if by == "bake":
        words = ["docker", "buildx", "bake", "-f", "docker/bake.hcl", "--print", "app", "inference"]
        return json.loads(run(*words, **given).stdout)
    if by == "make":
        return run("make", "-n", "up", "OVERLAYS=dev", "VERSION=9.9.9", "SITE=public").stdout
    return run("make", "reload-tls", f"TLS_CERT={given['TLS_CERT']}").stderr


def found(document: Any, place: str) -> list[Any]:
    """All that stands at the place: in lists, of every item."""
    if isinstance(document, list):
        return [value for item in document for value in found(item, place)]
    if not place:
        return [document]
    if not isinstance(document, Mapping):
        return []
    # A name may have dots of its own nowhere here.
    name, _, rest = place.partition(".")
    return found(document.get(name), rest)


@pytest.mark.parametrize("name", CASES)
def test_another_value_has_its_effect(name: str) -> None:
    value, by, place, *expected = CASES[name]
    outcome = rendered(by)
    if by in ("make", "reload"):
        assert place in outcome
    else:
        assert (expected[0] if expected else value) in found(outcome, place)


def test_every_variable_has_a_case() -> None:
    text = (COMPOSE / "env.example").read_text("utf-8")
    assert set(CASES) == set(re.findall(r"^#([A-Z][A-Z0-9_]*)=", text, re.MULTILINE))


def test_every_variable_of_a_file_is_in_env_example() -> None:
    used = {
        name
        for file in COMPOSE.glob("*.yaml")
        for name in re.findall(r"\$\{([A-Z][A-Z0-9_]*)", _without_comments(file))
    }
    assert used <= set(CASES)


def _without_comments(file: Path) -> str:
    return re.sub(r"^\s*#.*$", "", file.read_text("utf-8"), flags=re.MULTILINE)


def test_what_the_application_reads_on_compose_it_reads_on_swarm_too() -> None:
    ours, theirs = rendered("compose"), rendered("swarm")
    for name in ("web", "worker", "beat"):
        on_compose = set(ours["services"][name]["environment"])
        assert on_compose <= set(theirs["services"][name]["environment"]), name

"""Environments, releases and deployments as rows, for tests of what is shown of them."""

from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from opsconsole.models import Deployment, Environment, Operation, Release

PARTS = {"web": "app", "worker": "app", "beat": "app", "inference": "inference", "ops": "ops"}


def environment(code: str = "production", **changes: Any) -> Environment:
    """One that runs on Compose and was seen just now, healthy, with two web replicas."""
    at = now()
    wanted: dict[str, Any] = {
        "code": code,
        "kind": "production" if code == "production" else "staging",
        "engine": "compose",
        "is_here": code == "production",
        "project": f"pms-{code}",
        "laid_out_at": at - timedelta(days=3),
        "seen_at": at,
        "seen": seen(),
    }
    return Environment.objects.create(**wanted | changes)


def seen(**services: list[dict[str, Any]]) -> dict[str, Any]:
    """What the ops worker sees: each service with its replicas; those named are replaced."""
    usual = {
        "web": [replica("web", 1), replica("web", 2)],
        "worker": [replica("worker", 1)],
        "beat": [replica("beat", 1)],
        "inference": [replica("inference", 1, cpu_cores=1.6, memory_bytes=900_000_000)],
        "ops": [replica("ops", 1)],
        "postgres": [replica("postgres", 1, image="postgres:17", digest="sha256:" + "d" * 64)],
    }
    wanted = {"web": 2}
    rows = [
        {"name": name, "wanted": wanted.get(name, 1), "one_shot": False, "replicas": replicas}
        for name, replicas in (usual | services).items()
    ]
    happened = {
        "at": (now() - timedelta(minutes=5)).isoformat(),
        "service": "web",
        "replica": "pms-web-1",
        "what": "started",
        "says": "",
    }
    return {"services": rows, "happenings": [happened]}


def replica(service: str, number: int, **changes: Any) -> dict[str, Any]:
    """A healthy one."""
    return {
        "id": f"{service}{number}" + "0" * 8,
        "name": f"pms-{service}-{number}",
        "state": "running",
        "health": "healthy",
        "health_says": "",
        "image": f"pmscoring.local/pm-scoring-{PARTS.get(service, service)}:1.0.0",
        "digest": "sha256:" + f"{number}" * 64,
        "cpu_cores": 0.12,
        "cpu_limit": 2.0,
        "memory_bytes": 310_000_000,
        "memory_limit": 1_073_741_824,
        "restarts": 0,
        "started_at": (now() - timedelta(hours=5)).isoformat(),
        **changes,
    }


def release(of: Environment, version: str = "1.0.0", live: bool = False, **more: Any) -> Release:
    """What ran in it; `live` makes it what runs now."""
    images = {
        service: {
            "reference": f"pmscoring.local/pm-scoring-{part}:{version}",
            "digest": f"sha256:{part}-{version}",
            "repo_digest": "",
        }
        for service, part in PARTS.items()
    }
    wanted: dict[str, Any] = {
        "images": images,
        "files": {"compose.yaml": "a" * 64},
        "variables": {"LOG_LEVEL": "INFO"},
        "secrets": {"postgres-password": "b" * 64},
        "migrations": {"scoring": ["0001_first_tables"]},
    }
    row = Release.objects.create(environment=of, version=version, **wanted | more)
    if live:
        Environment.objects.filter(pk=of.pk).update(release=row)
        of.refresh_from_db()
    return row


def deployment(into: Environment, version: str = "1.1.0", **changes: Any) -> Deployment:
    """Asked for by an operator just now."""
    wanted = {"version": version, "requested_by": "operator", "from_release": into.release}
    return Deployment.objects.create(environment=into, **wanted | changes)


def operation(of: Environment, kind: str = "restart", **changes: Any) -> Operation:
    """Asked for by an operator just now."""
    return Operation.objects.create(
        environment=of, kind=kind, **{"requested_by": "operator", **changes}
    )

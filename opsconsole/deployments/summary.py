"""What commands and other doors print of deployments and releases."""

from typing import Any

from opsconsole.models import Deployment, Release

STEP = ("name", "state", "seconds", "says")


def summary(deployment: Deployment) -> dict[str, Any]:
    """The document of `deploy`, `rollback` and `deployments`."""
    return {
        "id": str(deployment.uid),
        "environment": deployment.environment.code,
        "state": deployment.status,
        "from": _name(deployment.from_release),
        "to": _name(deployment.to_release) or deployment.version,
        "seconds": deployment.seconds,
        "backup": str(deployment.backup.uid) if deployment.backup else None,
        "steps": steps(deployment),
        "failed_requests": deployment.failed_requests,
        "reason": deployment.reason,
    }


def steps(deployment: Deployment) -> list[Any]:
    """Each step's name, state, seconds and what it said."""
    return [{name: step.get(name) for name in STEP} for step in deployment.steps]


def release_summary(release: Release) -> dict[str, Any]:
    """The document of `releases`."""
    return {
        "id": str(release.uid),
        "version": release.version,
        "recorded": release.created_at,
        "live": release.environment.release_id == release.pk,
        "images": {name: image["digest"] for name, image in release.images.items()},
    }


def _name(release: Release | None) -> str | None:
    return str(release) if release else None

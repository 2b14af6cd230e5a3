"""Environments, releases, deployments, operations and windows as the API returns them."""

from datetime import datetime
from typing import Any, TypedDict, cast

from django.db.models import QuerySet

from opsconsole import models
from opsconsole.deployments.summary import steps
from opsconsole.environments import look
from pmscoring.base.api.representations import Links, MaybeMoment, Moment, Page, moment

OPS = "/api/v1/ops"


class Replica(TypedDict, total=False):
    """A container, task or process of a service, as it was seen last; cores and bytes."""

    id: str
    name: str
    state: str
    health: str
    health_says: str
    image: str
    digest: str
    cpu_cores: float | None
    cpu_limit: float | None
    memory_bytes: int | None
    memory_limit: int | None
    restarts: int
    started_at: str | None


class Service(TypedDict, total=False):
    """A service with the number of replicas that it should have, and those that it has."""

    name: str
    wanted: int
    one_shot: bool
    replicas: list[Replica]


class Environment(TypedDict):
    """An environment. `state` is added, healthy, sick, away, unknown or removed.

    `release` is the id of what is live; `trouble` is why the engine could not be seen.
    """

    code: str
    kind: str
    engine: str
    here: bool
    state: str
    release: str | None
    version: str | None
    project: str
    base_url: str
    overlays: list[str]
    ports: dict[str, int]
    protected: bool
    trouble: str
    seen_at: MaybeMoment
    added_at: Moment
    laid_out_at: MaybeMoment
    removed_at: MaybeMoment
    links: Links


class EnvironmentPage(Page):
    """Environments."""

    results: list[Environment]


class EnvironmentDetail(Environment):
    """An environment with what was seen in it last, at `seen_at`."""

    services: list[Service]
    happenings: list[dict[str, Any]]


class Release(TypedDict):
    """What runs or ran in an environment; it never changes.

    `images` is by service, `files` and `secrets` are fingerprints by name.
    """

    id: str
    environment: str
    version: str
    live: bool
    images: dict[str, Any]
    files: dict[str, Any]
    variables: dict[str, Any]
    secrets: dict[str, Any]
    migrations: dict[str, Any]
    created_at: Moment
    links: Links


class ReleasePage(Page):
    """Releases, newest first."""

    results: list[Release]


class DeploymentStep(TypedDict, total=False):
    """One of the things that were done, and what it said."""

    name: str
    state: str
    seconds: float | None
    says: str


FromTo = TypedDict("FromTo", {"from": str | None, "to": str | None})
"""`from` is no name that a class can have."""


class Deployment(FromTo):
    """A release on its way into an environment.

    `from` and `to` are ids of releases; `to` is there once its images are. `verdict` has the
    figures of the soak, `failed_requests` how many failed in all while it went on.
    """

    id: str
    environment: str
    state: str
    version: str
    source: str
    progress: float
    stage: str
    reason: str
    why: str
    maintenance: bool
    needs_approval: bool
    approved_by: str
    approved_at: MaybeMoment
    cancel_at: MaybeMoment
    backup: str | None
    steps: list[DeploymentStep]
    verdict: dict[str, Any]
    failed_requests: int | None
    requested_by: str
    requested_at: Moment
    started_at: MaybeMoment
    finished_at: MaybeMoment
    seconds: float | None
    links: Links


class DeploymentPage(Page):
    """Deployments, newest first."""

    results: list[Deployment]


class Operation(TypedDict):
    """Something that is done to an environment at once: restart, scale, run, logs."""

    id: str
    environment: str
    kind: str
    target: str
    arguments: dict[str, Any]
    state: str
    reason: str
    why: str
    exit_code: int | None
    requested_by: str
    requested_at: Moment
    started_at: MaybeMoment
    finished_at: MaybeMoment
    seconds: float | None
    links: Links


class OperationPage(Page):
    """Operations, newest first."""

    results: list[Operation]


class OperationDetail(Operation):
    """An operation with what it printed; of a long output the end."""

    output: str


class Window(TypedDict):
    """An exam window; `floors` are the least replicas by service.

    `zone` is empty for that of the installation. `exam` is the code of the exam for whose dates it
    was made, and empty for a window that a person added; it moves with them while it `follows`.
    """

    id: int
    name: str
    zone: str
    exam: str
    follows: bool
    starts_at: Moment
    ends_at: Moment
    holds: bool
    floors: dict[str, int]
    links: Links


class WindowPage(Page):
    """Exam windows, newest first."""

    results: list[Window]


def environments() -> "QuerySet[models.Environment]":
    """Environments with what their representation needs."""
    return models.Environment.objects.select_related("release")


def environment(row: models.Environment) -> Environment:
    return {
        "code": row.code,
        "kind": row.kind,
        "engine": row.engine,
        "here": row.is_here,
        "state": look.state_of(row),
        "release": str(row.release.uid) if row.release else None,
        "version": row.release.version if row.release else None,
        "project": row.project,
        "base_url": row.base_url,
        "overlays": row.overlays,
        "ports": row.ports,
        "protected": row.protected,
        "trouble": row.trouble,
        "seen_at": _moment(row.seen_at),
        "added_at": moment(row.added_at),
        "laid_out_at": _moment(row.laid_out_at),
        "removed_at": _moment(row.removed_at),
        "links": {"self": f"{OPS}/environments/{row.code}"},
    }


def environment_detail(row: models.Environment) -> EnvironmentDetail:
    return {
        **environment(row),
        "services": cast(list[Service], row.seen.get("services") or []),
        "happenings": row.seen.get("happenings") or [],
    }


def releases() -> "QuerySet[models.Release]":
    """Releases with what their representation needs."""
    return models.Release.objects.select_related("environment")


def release(row: models.Release) -> Release:
    return {
        "id": str(row.uid),
        "environment": row.environment.code,
        "version": row.version,
        "live": row.environment.release_id == row.pk,
        "images": row.images,
        "files": row.files,
        "variables": row.variables,
        "secrets": row.secrets,
        "migrations": row.migrations,
        "created_at": moment(row.created_at),
        "links": {"self": f"{OPS}/releases/{row.uid}"},
    }


def deployments() -> "QuerySet[models.Deployment]":
    """Deployments with what their representation needs."""
    related = ("environment", "from_release", "to_release", "backup")
    return models.Deployment.objects.select_related(*related)


def deployment(row: models.Deployment) -> Deployment:
    return {
        "id": str(row.uid),
        "environment": row.environment.code,
        "state": row.status,
        "version": row.version,
        "source": row.source,
        "progress": row.fraction,
        "stage": row.stage,
        "reason": row.reason,
        "why": row.why,
        "maintenance": row.maintenance,
        "needs_approval": row.needs_approval,
        "approved_by": row.approved_by,
        "approved_at": _moment(row.approved_at),
        "cancel_at": _moment(row.cancel_at),
        "from": str(row.from_release.uid) if row.from_release else None,
        "to": str(row.to_release.uid) if row.to_release else None,
        "backup": str(row.backup.uid) if row.backup else None,
        "steps": steps(row),
        "verdict": row.verdict,
        "failed_requests": row.failed_requests,
        "requested_by": row.requested_by,
        "requested_at": moment(row.requested_at),
        "started_at": _moment(row.started_at),
        "finished_at": _moment(row.finished_at),
        "seconds": row.seconds,
        "links": {"self": f"{OPS}/deployments/{row.uid}"},
    }


def operations() -> "QuerySet[models.Operation]":
    """Operations with what their representation needs; not their output."""
    return models.Operation.objects.select_related("environment").defer("output")


def operation(row: models.Operation) -> Operation:
    return {
        "id": str(row.uid),
        "environment": row.environment.code,
        "kind": row.kind,
        "target": row.target,
        "arguments": row.arguments,
        "state": row.status,
        "reason": row.reason,
        "why": row.why,
        "exit_code": row.exit_code,
        "requested_by": row.requested_by,
        "requested_at": moment(row.requested_at),
        "started_at": _moment(row.started_at),
        "finished_at": _moment(row.finished_at),
        "seconds": row.seconds,
        "links": {"self": f"{OPS}/operations/{row.uid}"},
    }


def operation_detail(row: models.Operation) -> OperationDetail:
    return {**operation(row), "output": row.output}


def window(row: models.ExamWindow, at: datetime) -> Window:
    return {
        "id": row.pk,
        "name": row.name,
        "zone": row.zone,
        "exam": row.exam,
        "follows": row.follows,
        "starts_at": moment(row.starts_at),
        "ends_at": moment(row.ends_at),
        "holds": row.starts_at <= at < row.ends_at,
        "floors": row.floors,
        "links": {"self": f"{OPS}/windows/{row.pk}"},
    }


def _moment(at: datetime | None) -> str | None:
    return moment(at) if at else None

"""Deployments: the list, one with its steps, asking for one, and what is done to one under way."""

from typing import Annotated, Any, TypedDict
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole import tasks
from opsconsole.api import environment_examples as examples
from opsconsole.api import environment_shapes as show
from opsconsole.api.base import TAG, View, accepted, chosen
from opsconsole.api.environment_views import OF
from opsconsole.api.restore_views import UUID_PATTERN
from opsconsole.callers import caller_of
from opsconsole.deployments import cancel, recovery
from opsconsole.deployments import request as requests
from opsconsole.models import Deployment, Environment, Release
from pmscoring.base.api.bodies import body_of
from pmscoring.base.api.schema import JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS, parameter
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.nudges import nudge
from pmscoring.base.roles import OPERATOR, REQUEST, has_role

Why = Annotated[str, {"maxLength": 200}]
FILTERS = (OF, query("state", {"enum": Deployment.Status.values}))


class WantedDeployment(TypedDict, total=False):
    """What is deployed into which environment: a `version`, or the id of an earlier `release`.

    `maintenance` lets the application show the maintenance page meanwhile, which migrations need
    that the running version cannot live with. While an exam window holds, `why` is needed.
    """

    environment: str
    version: Annotated[str, {"maxLength": 128}]
    release: Annotated[str, {"format": "uuid", "pattern": UUID_PATTERN}]
    maintenance: Annotated[bool, {"default": False}]
    why: Why


class Reason(TypedDict, total=False):
    """Why it is done; the event keeps it."""

    why: Why


WITH_A_REASON = request_example("With a reason", {"why": "the pipeline's tests are green"})


class DeploymentList(View):
    """Deployments."""

    writers = (OPERATOR, REQUEST)

    @call(
        "ops_deployments_list",
        TAG,
        {200: show.DeploymentPage},
        parameters=[*PAGE_PARAMETERS, *FILTERS],
        examples=[response_example("One deployment", examples.DEPLOYMENT_PAGE)],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List deployments, newest first."""
        rows = show.deployments()
        if code := parameter(request, "environment"):
            rows = rows.filter(environment__code=code)
        if state := chosen(request, "state", Deployment.Status.values):
            rows = rows.filter(status=state)
        return self.paged(request, rows, show.deployment)

    @call(
        "ops_deployments_create",
        TAG,
        {202: show.Deployment},
        takes={JSON: shape(WantedDeployment)},
        examples=[
            request_example("A version", examples.WANTED_DEPLOYMENT),
            response_example("Requested", examples.REQUESTED_DEPLOYMENT, 202),
        ],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Ask for a deployment, which a worker does.

        Asked for by a token of the scope `request`, as a pipeline has one, it waits until an
        operator approves it. While another one of the environment is under way, or where a guard
        refuses, the answer is a conflict.
        """
        row = _requested(request)
        nudge(tasks.start_deployment, row.pk)
        return accepted(show.deployment(row))


class DeploymentDetail(View):
    """One deployment."""

    @call(
        "ops_deployments_read",
        TAG,
        {200: show.Deployment},
        examples=[response_example("Live", examples.DEPLOYMENT)],
    )
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a deployment's state and progress, its steps, and the verdict of its soak."""
        return Response(show.deployment(_deployment(uid)))


class DeploymentApproval(View):
    """The approval of a deployment that a pipeline asked for."""

    @call(
        "ops_deployments_approve",
        TAG,
        {202: show.Deployment},
        takes={JSON: shape(Reason)},
        examples=[WITH_A_REASON],
        problems=[409],
    )
    def post(self, request: Request, uid: UUID) -> Response:
        """Approve a deployment that waits for it."""
        row, why = _deployment(uid), body_of(request, Reason).get("why", "")
        requests.approve(row, caller=caller_of(request), why=why)
        nudge(tasks.start_deployment, row.pk)
        return accepted(show.deployment(row))


class DeploymentCancellation(View):
    """The end of a deployment before it is done."""

    @call("ops_deployments_cancel", TAG, {202: show.Deployment}, problems=[409])
    def post(self, request: Request, uid: UUID) -> Response:
        """Cancel a deployment: it ends, or goes back where something was replaced already."""
        row = _deployment(uid)
        cancel.cancel(row, caller=caller_of(request))
        return accepted(show.deployment(row))


class DeploymentLock(View):
    """The lock that a deployment holds on its environment."""

    @call(
        "ops_deployments_break_lock",
        TAG,
        {202: show.Deployment},
        takes={JSON: shape(Reason)},
        examples=[WITH_A_REASON],
        problems=[409],
    )
    def post(self, request: Request, uid: UUID) -> Response:
        """Break the lock of a deployment that stands still; `why` is needed.

        A worker then takes it over at once, and finishes it or takes it back.
        """
        row, why = _deployment(uid), body_of(request, Reason).get("why", "").strip()
        if not why:
            raise Invalid([fault("/why", "a reason is expected")])
        recovery.break_lock(row, caller=caller_of(request), reason=why)
        nudge(tasks.sweep_deployments)
        return accepted(show.deployment(row))


def _requested(call: Request) -> Deployment:
    """The row that the body asks for; raises Invalid."""
    body = body_of(call, WantedDeployment)
    environment = Environment.objects.kept().filter(code=body.get("environment", "")).first()
    if environment is None:
        raise Invalid([fault("/environment", "there is no such environment")])
    if ("version" in body) == ("release" in body):
        raise Invalid([fault("/version", "a version, or else a release, is expected")])
    return requests.request(
        environment,
        caller=caller_of(call),
        version=body.get("version", ""),
        release=_release(environment, body),
        maintenance=body.get("maintenance", False),
        why=body.get("why", "").strip(),
        needs_approval=not has_role(call.user, OPERATOR),
    )


def _release(environment: Environment, body: dict[str, Any]) -> Release | None:
    if "release" not in body:
        return None
    release = environment.releases.filter(uid=body["release"]).first()
    if release is None:
        raise Invalid([fault("/release", "this environment has no such release")])
    return release


def _deployment(uid: UUID) -> Deployment:
    return get_object_or_404(show.deployments(), uid=uid)

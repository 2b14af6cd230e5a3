"""Environments and releases: what there is, and what was seen and recorded of it."""

from typing import Annotated, Literal, TypedDict
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import environment_examples as examples
from opsconsole.api import environment_shapes as show
from opsconsole.api.base import TAG, View
from opsconsole.callers import caller_of
from opsconsole.environments import add
from pmscoring.base.api.bodies import body_of
from pmscoring.base.api.schema import JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS, parameter
from pmscoring.base.faults import Invalid, fault

PORTS = {"additionalProperties": {"type": "integer", "minimum": 1, "maximum": 65535}}
OF = query("environment", {"type": "string"}, "The code of an environment.")


class WantedEnvironment(TypedDict, total=False):
    """`code` and `kind` are needed; a subnet and a port that are free are chosen.

    `overlays` are further ones beside the kind's own, `subnet` the first two numbers of its
    networks, `ports` by the names of their variables, as HAPROXY_PORT.
    """

    code: Annotated[str, {"maxLength": 30}]
    kind: Literal["development", "staging", "production"]
    overlays: list[str]
    subnet: Annotated[str, {"maxLength": 7}]
    ports: Annotated[dict[str, int], PORTS]
    base_url: Annotated[str, {"maxLength": 200, "pattern": "^https?://"}]
    variables: dict[str, str]
    protected: bool


class EnvironmentList(View):
    """Environments."""

    @call(
        "ops_environments_list",
        TAG,
        {200: show.EnvironmentPage},
        parameters=PAGE_PARAMETERS,
        examples=[response_example("One environment", examples.ENVIRONMENT_PAGE)],
        problems=[404],
    )
    def get(self, request: Request) -> Response:
        """List environments with the state of each; those that were removed too."""
        return self.paged(request, show.environments(), show.environment)

    @call(
        "ops_environments_create",
        TAG,
        {201: show.Environment},
        takes={JSON: shape(WantedEnvironment)},
        examples=[
            request_example("Beside this installation", examples.WANTED_ENVIRONMENT),
            response_example("Added", examples.ADDED_ENVIRONMENT, 201),
        ],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Add an environment on the same engine; its first deployment lays it out.

        What collides with another one is a conflict that says with which.
        """
        body = body_of(request, WantedEnvironment)
        faults = [
            fault(f"/{name}", "it is missing") for name in ("code", "kind") if name not in body
        ]
        if faults:
            raise Invalid(faults)
        row = add.add(add.Wanted(**body), caller=caller_of(request))
        shown = show.environment(row)
        return Response(shown, 201, headers={"Location": shown["links"]["self"]})


class EnvironmentDetail(View):
    """One environment."""

    @call(
        "ops_environments_read",
        TAG,
        {200: show.EnvironmentDetail},
        examples=[response_example("Healthy", examples.ENVIRONMENT_DETAIL)],
    )
    def get(self, request: Request, code: str) -> Response:
        """Read what was seen in an environment last: services, replicas, health, use, events."""
        return Response(show.environment_detail(get_object_or_404(show.environments(), code=code)))


class ReleaseList(View):
    """Releases."""

    @call(
        "ops_releases_list",
        TAG,
        {200: show.ReleasePage},
        parameters=[*PAGE_PARAMETERS, OF],
        examples=[response_example("One release", examples.RELEASE_PAGE)],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List releases, newest first."""
        rows = show.releases()
        if code := parameter(request, "environment"):
            rows = rows.filter(environment__code=code)
        return self.paged(request, rows, show.release)


class ReleaseDetail(View):
    """One release."""

    @call(
        "ops_releases_read",
        TAG,
        {200: show.Release},
        examples=[response_example("What is live", examples.RELEASE)],
    )
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a release: images by id, Compose files, variables, migrations."""
        return Response(show.release(get_object_or_404(show.releases(), uid=uid)))

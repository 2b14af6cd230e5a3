"""Environments and releases: what there is, and what was seen and recorded of it."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import environment_examples as examples
from opsconsole.api import environment_shapes as show
from opsconsole.api.base import TAG, View
from pmscoring.base.api.schema import call, query, response_example
from pmscoring.base.api.views import PAGE_PARAMETERS, Pages, parameter

OF = query("environment", {"type": "string"}, "The code of an environment.")


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
        pages = Pages()
        page = pages.paginate_queryset(show.environments(), request, self) or []
        return pages.get_paginated_response([show.environment(row) for row in page])


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
        pages = Pages()
        page = pages.paginate_queryset(rows, request, self) or []
        return pages.get_paginated_response([show.release(row) for row in page])


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

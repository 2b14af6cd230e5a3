"""Restores: the list, one with its report, and asking for one."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import examples
from opsconsole.api import representations as show
from opsconsole.api.base import TAG, View
from pmscoring.base.api.schema import call, response_example
from pmscoring.base.api.views import PAGE_PARAMETERS, Pages


class RestoreList(View):
    """Restores."""

    @call(
        "ops_restores_list",
        TAG,
        {200: show.RestorePage},
        parameters=PAGE_PARAMETERS,
        examples=[response_example("One restore", examples.RESTORE_PAGE)],
        problems=[404],
    )
    def get(self, request: Request) -> Response:
        """List restores, newest first."""
        pages = Pages()
        page = pages.paginate_queryset(show.restores(), request, self) or []
        return pages.get_paginated_response([show.restore(row) for row in page])


class RestoreDetail(View):
    """One restore."""

    @call(
        "ops_restores_read",
        TAG,
        {200: show.Restore},
        examples=[response_example("Requested", examples.RESTORE)],
    )
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a restore's state and progress, and what was found."""
        return Response(show.restore(get_object_or_404(show.restores(), uid=uid)))

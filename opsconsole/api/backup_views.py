"""Backups: the list, one with its verifications, and asking for a new one."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import examples
from opsconsole.api import representations as show
from opsconsole.api.base import TAG, View, chosen
from opsconsole.models import Backup
from pmscoring.base.api.schema import call, query, response_example
from pmscoring.base.api.views import PAGE_PARAMETERS, Pages, parameter

FILTERS = (
    query("state", {"enum": Backup.Status.values}),
    query("plan", {"type": "string"}, "The name of a plan."),
)


class BackupList(View):
    """Backups."""

    @call(
        "ops_backups_list",
        TAG,
        {200: show.BackupPage},
        parameters=[*PAGE_PARAMETERS, *FILTERS],
        examples=[response_example("One backup", examples.BACKUP_PAGE)],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List backups, newest first; those that were removed too."""
        rows = show.backups()
        if state := chosen(request, "state", Backup.Status.values):
            rows = rows.filter(status=state)
        if plan := parameter(request, "plan"):
            rows = rows.filter(plan__name=plan)
        pages = Pages()
        page = pages.paginate_queryset(rows, request, self) or []
        return pages.get_paginated_response([show.backup(row) for row in page])


class BackupDetail(View):
    """One backup."""

    @call(
        "ops_backups_read",
        TAG,
        {200: show.BackupDetail},
        examples=[response_example("Stored and verified", examples.BACKUP_DETAIL)],
    )
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a backup's state and progress, its parts, its copies and its verifications."""
        rows = show.backups().prefetch_related("verifications")
        return Response(show.backup_detail(get_object_or_404(rows, uid=uid)))

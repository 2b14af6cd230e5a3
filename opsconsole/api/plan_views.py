"""Backup plans, which are changed in the admin."""

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import examples
from opsconsole.api import representations as show
from opsconsole.api.base import TAG, View
from opsconsole.models import BackupPlan
from pmscoring.base.api.schema import call, response_example
from pmscoring.base.api.views import PAGE_PARAMETERS


class PlanList(View):
    """Backup plans."""

    @call(
        "ops_plans_list",
        TAG,
        {200: show.BackupPlanPage},
        parameters=PAGE_PARAMETERS,
        examples=[response_example("One plan", examples.PLAN_PAGE)],
        problems=[404],
    )
    def get(self, request: Request) -> Response:
        """List the backup plans, and how fresh the newest verified backup of each is."""
        return self.paged(request, BackupPlan.objects.select_related("schedule"), show.plan)


class PlanDetail(View):
    """One backup plan."""

    @call(
        "ops_plans_read",
        TAG,
        {200: show.BackupPlan},
        examples=[response_example("The plan of the first start", examples.PLAN)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read a backup plan."""
        return Response(show.plan(get_object_or_404(BackupPlan, pk=pk)))

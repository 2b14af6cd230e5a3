"""Backups: the list, one with its verifications, and asking for a new one."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import examples
from opsconsole.api import representations as show
from opsconsole.api.base import TAG, View, accepted, chosen
from opsconsole.backups import take
from opsconsole.callers import caller_of
from opsconsole.gateways import stores
from opsconsole.models import LOCAL, Backup, BackupPlan
from opsconsole.tasks import sweep
from pmscoring.base.api.bodies import body_of
from pmscoring.base.api.schema import JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS, parameter
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.nudges import nudge

SOME = {"minItems": 1, "uniqueItems": True}

FILTERS = (
    query("state", {"enum": Backup.Status.values}),
    query("plan", {"type": "string"}, "The name of a plan."),
)


class WantedBackup(TypedDict, total=False):
    """What is backed up and where to; what is left out comes from the plan, or is the default.

    `recipients` are public keys of age, to which the backup is encrypted.
    """

    plan: str
    parts: Annotated[list[Literal["database", "uploads", "redis", "configuration"]], SOME]
    stores: Annotated[list[str], SOME]
    recipients: list[str]
    note: Annotated[str, {"maxLength": 200}]


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
        return self.paged(request, rows, show.backup)

    @call(
        "ops_backups_create",
        TAG,
        {202: show.Backup},
        takes={JSON: shape(WantedBackup)},
        examples=[
            request_example("To two stores", examples.WANTED_BACKUP),
            response_example("Requested", examples.REQUESTED_BACKUP, 202),
        ],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Ask for a backup, which a worker makes, verifies and stores."""
        body = body_of(request, WantedBackup)
        if faults := list(_faults(body)):
            raise Invalid(faults)
        plan = BackupPlan.objects.filter(name=body.pop("plan", "")).first()
        recipients = "\n".join(body.pop("recipients", ()))
        row = take.request(caller=caller_of(request), plan=plan, recipients=recipients, **body)
        nudge(sweep)
        return accepted(show.backup(row))


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


def _faults(body: dict[str, Any]) -> Iterator[Fault]:
    """What names nothing that is there."""
    if "plan" in body and not BackupPlan.objects.filter(name=body["plan"]).exists():
        yield fault("/plan", "there is no such plan")
    known = {LOCAL, *stores.names()}
    for number, name in enumerate(body.get("stores", ())):
        if name not in known:
            yield fault(f"/stores/{number}", f"one of {', '.join(sorted(known))} is expected")

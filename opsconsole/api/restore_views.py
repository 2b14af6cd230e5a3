"""Restores: the list, one with its report, and asking for one."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import examples
from opsconsole.api import representations as show
from opsconsole.api.base import TAG, View, accepted
from opsconsole.backups import restore
from opsconsole.callers import caller_of
from opsconsole.models import Backup
from opsconsole.tasks import sweep
from pmscoring.base.api.bodies import body_of
from pmscoring.base.api.schema import JSON, call, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.nudges import nudge

UUID_PATTERN = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class WantedRestore(TypedDict):
    """Which backup is restored; `confirm` is its name, as a person types it in the admin.

    `parts` are database and uploads, where it is left out both. Without a safety backup, and for a
    backup from elsewhere that was never verified, `why` is needed.
    """

    backup: Annotated[str, {"format": "uuid", "pattern": UUID_PATTERN}]
    confirm: str
    parts: NotRequired[list[Literal["database", "uploads"]]]
    safety: NotRequired[Annotated[bool, {"default": True}]]
    why: NotRequired[Annotated[str, {"maxLength": 200}]]


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
        return self.paged(request, show.restores(), show.restore)

    @call(
        "ops_restores_create",
        TAG,
        {202: show.Restore},
        takes={JSON: shape(WantedRestore)},
        examples=[
            request_example("All of it", examples.WANTED_RESTORE),
            response_example("Requested", examples.RESTORE, 202),
        ],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Ask for a restore, which a worker does: the live data are replaced.

        What is live is backed up first and kept beside until a person drops it. While another
        restore is under way, or where a guard refuses, the answer is a conflict.
        """
        body = body_of(request, WantedRestore)
        backup = _confirmed(body)
        wanted = {name: body[name] for name in ("parts", "safety", "why") if name in body}
        row = restore.request(backup, caller=caller_of(request), **wanted)
        nudge(sweep)
        return accepted(show.restore(row))


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


def _confirmed(body: dict[str, Any]) -> Backup:
    """The backup that is meant, by its id and its name; raises Invalid."""
    backup = Backup.objects.filter(uid=body["backup"]).first()
    if backup is None:
        raise Invalid([fault("/backup", "there is no such backup")])
    if body["confirm"] != backup.name:
        raise Invalid([fault("/confirm", f"the backup's name, {backup.name}, confirms")])
    return backup

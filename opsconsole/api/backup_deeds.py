"""What is done with backups: holding one, verifying one, removing what no plan asks to keep."""

from typing import Annotated, TypedDict
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole import tasks
from opsconsole.api import representations as show
from opsconsole.api.base import TAG, View, accepted
from opsconsole.backups import hold, prune
from opsconsole.callers import caller_of
from opsconsole.environments.windows import refuse_in_window
from opsconsole.models import Backup
from pmscoring.base.api.bodies import body_of
from pmscoring.base.api.schema import JSON, call, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.nudges import nudge
from pmscoring.base.refusals import Refused


class WantedHold(TypedDict, total=False):
    """Whether the backup is held back from removal, which it is where this is left out."""

    held: Annotated[bool, {"default": True}]


class WantedPruning(TypedDict, total=False):
    """With `dry_run` nothing is removed. While an exam window holds, `why` is needed."""

    dry_run: Annotated[bool, {"default": False}]
    why: Annotated[str, {"maxLength": 200}]


class Named(TypedDict):
    """A backup that goes."""

    id: str
    name: str


class Kept(Named):
    """A backup that stays, and because of what."""

    because: str


class Pruned(TypedDict):
    """What retention removes, and what it keeps."""

    removed: list[Named]
    kept: list[Kept]


class BackupHold(View):
    """The hold on a backup."""

    @call(
        "ops_backups_hold",
        TAG,
        {202: show.Backup},
        takes={JSON: shape(WantedHold)},
        examples=[request_example("Let it go again", {"held": False})],
        problems=[409],
    )
    def post(self, request: Request, uid: UUID) -> Response:
        """Hold a backup, so that no plan removes it, or let it go again."""
        backup, held = _backup(uid), body_of(request, WantedHold).get("held", True)
        hold.hold(backup, caller=caller_of(request), on=held)
        return accepted(show.backup(backup))


class BackupVerification(View):
    """The verification of a backup."""

    @call("ops_backups_verify", TAG, {202: show.Backup}, problems=[409])
    def post(self, request: Request, uid: UUID) -> Response:
        """Restore a backup on trial and compare it, which a worker does.

        The result appears among the verifications of the backup.
        """
        backup, caller = _backup(uid), caller_of(request)
        if backup.removing_at:
            raise Refused("the files of this backup are gone")
        if backup.status not in prune.FINISHED:
            raise Refused("this backup is still being made")
        nudge(tasks.verify_backup, backup.pk, "", caller.name, caller.source, caller.address)
        return accepted(show.backup(backup))


class Pruning(View):
    """The removal of backups."""

    @call(
        "ops_backups_prune",
        TAG,
        {202: Pruned},
        takes={JSON: shape(WantedPruning)},
        examples=[
            request_example("Only look", {"dry_run": True}),
            response_example("One goes", {"removed": [], "kept": []}, 202),
        ],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Remove the backups that no plan asks to keep, which a worker does.

        The answer says what goes and what stays, as it is decided now; the worker decides again.
        """
        body, caller = body_of(request, WantedPruning), caller_of(request)
        why = body.get("why", "").strip()
        outcome = prune.prune(caller=caller, say=_unseen, dry_run=True)
        if not body.get("dry_run", False):
            refuse_in_window(why)
            nudge(tasks.prune_backups, why, caller.name, caller.source, caller.address)
        return Response(prune.report(outcome), 202)


def _backup(uid: UUID) -> Backup:
    return get_object_or_404(show.backups(), uid=uid)


def _unseen(_fraction: float, _note: str) -> None:
    """Nothing is done that could be watched."""

"""The page of one backup: what was done, what is in it, where it lies, and what was checked."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from opsconsole.admin import colours, contents, states, words
from opsconsole.admin.classes import ReadOnly
from opsconsole.backups import again, places
from opsconsole.models import LOCAL, Backup, Event, Verification
from pmscoring.base.admin.pages import page
from pmscoring.base.roles import has_role

MOST_SHOWN = 20


class BackupPage(ReadOnly):
    """The page of a backup, readable without a script."""

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators act, and viewers see."""
        return has_role(request.user, *self.writers)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Everything about one backup."""
        backup = self.get_object(request, unquote(object_id))
        if not isinstance(backup, Backup) or not self.has_view_permission(request, backup):
            raise Http404
        template, title = "opsconsole/backup.html", _("Backup")
        context = {**page_context(backup), "may_operate": self.has_operate_permission(request)}
        return page(self, request, template, title, backup, **context)


def page_context(backup: Backup) -> dict[str, Any]:
    """The context of opsconsole/backup.html but for what depends on the viewer."""
    here = has_folder(backup)
    return {
        "backup": backup,
        "label": states.label(backup),
        "alive": states.is_alive(backup) or bool(backup.stage),
        "bar": states.bar(backup),
        "steps": states.steps(backup, _steps(backup)),
        "facts": _facts(backup),
        "contents": contents.of(backup.manifest),
        "copies": [
            (_store_name(copy.store), copy, colours.COPY.get(copy.status, "default"))
            for copy in backup.copies.all()
        ],
        "verifications": [(row, _checks(row)) for row in backup.verifications.all()[:MOST_SHOWN]],
        "restores": [(row, states.label(row)) for row in backup.restores.all()[:MOST_SHOWN]],
        "events": Event.objects.filter(object_type="backup", object_id=str(backup.pk))[:MOST_SHOWN],
        "is_here": here,
        "is_whole": is_whole(backup),
        "can_copy": again.can_copy(backup),
    }


def is_whole(backup: Backup) -> bool:
    """Whether it can be verified and restored, be it only from the backup folder.

    One that failed for want of a store was verified before, and is whole where it was made.
    """
    lacks_a_store = backup.status == Backup.Status.FAILED and backup.verified_at
    good = backup.status == Backup.Status.STORED or bool(lacks_a_store)
    return good and backup.removing_at is None


def has_folder(backup: Backup) -> bool:
    """Whether its files are in BACKUP_DIR, with the manifest that is written last."""
    try:
        return (places.folder(backup) / places.MANIFEST).is_file()
    except (places.Unsafe, OSError):
        return False


def _steps(backup: Backup) -> list[tuple[str, str]]:
    """The states on the way; a backup that is not to be verified leaves that one out."""
    order = [
        (Backup.Status.WAITING, _("requested")),
        (Backup.Status.RUNNING, _("reading the data")),
        (Backup.Status.DUMPED, _("restoring on trial")),
        (Backup.Status.VERIFIED, _("storing")),
        (Backup.Status.STORED, _("stored")),
    ]
    if not backup.verify:
        order[2:4] = [(Backup.Status.DUMPED, _("storing"))]
    return [(state.value, name) for state, name in order]


def _facts(backup: Backup) -> list[tuple[str, str]]:
    facts = [
        (_("data as of"), states.moment(backup.snapshot_at)),
        (_("size"), words.size(backup.bytes)),
        (_("duration"), words.duration(backup.seconds)),
        (_("verified"), states.moment(backup.verified_at)),
        (_("measured recovery time"), words.duration(backup.verify_seconds)),
    ]
    return [fact for fact in facts if fact[1] != words.NOTHING]


def _checks(verification: Verification) -> list[dict[str, Any]]:
    return [{**check, "name": words.check_name(check["name"])} for check in verification.checks]


def _store_name(store: str) -> str:
    return _("the backup folder of this server") if store == LOCAL else store

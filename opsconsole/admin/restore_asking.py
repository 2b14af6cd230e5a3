"""Asking for a restore: what will happen is said first, and the backup's name is typed."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole import tasks
from opsconsole.admin import losses, states, words
from opsconsole.admin.backup_files import BackupFiles, back_address, to_backup
from opsconsole.admin.backup_forms import RestoreForm
from opsconsole.backups import restore
from opsconsole.callers import caller_of
from opsconsole.models import Backup, Restore
from pmscoring.base.admin.pages import page
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.nudges import nudge
from pmscoring.base.refusals import Busy, Refused


class RestoreAsking(BackupFiles):
    """The page behind the button “Restore”."""

    def views(self) -> dict[str, Callable[..., HttpResponseBase]]:
        return {**super().views(), "restore": self.restore_view}

    def restore_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET says what will happen; POST with the typed name asks for it."""
        backup = get_object_or_404(Backup, pk=pk)
        if not self.has_operate_permission(request):
            return to_backup(backup)
        form = RestoreForm(backup, request.POST if request.method == "POST" else None)
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            try:
                asked = self._ask(request, backup, form.cleaned_data)
            except (Busy, Refused, WrongState) as error:
                context["refusal"] = str(error)
            else:
                address = reverse("admin:opsconsole_restore_change", args=[asked.pk])
                return HttpResponseRedirect(address)
        template, title = "opsconsole/restore_asking.html", _("Restore this backup?")
        return page(self, request, template, title, backup, **context, **consequences(backup))

    def _ask(self, request: HttpRequest, backup: Backup, chosen: dict[str, Any]) -> Restore:
        asked = restore.request(
            backup,
            caller=caller_of(request),
            parts=chosen["parts"],
            safety=chosen["safety"],
            why=chosen["why"].strip(),
        )
        nudge(tasks.run_restore, asked.pk)
        return asked


def consequences(backup: Backup) -> dict[str, Any]:
    """What the page says will happen, as far as it can be known beforehand."""
    return {
        "backup": backup,
        "back": back_address(backup),
        "snapshot": states.moment(backup.snapshot_at),
        "age": words.age(backup.snapshot_at),
        "losses": losses.since(backup.manifest),
        "unverified": backup.verified_at is None,
        "encrypted": backup.is_encrypted,
        "takes": words.duration(backup.verify_seconds) if backup.verify_seconds else "",
        "at": now(),
    }

"""What an operator does with backups: make one, verify it, and keep it from being removed."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole import tasks
from opsconsole.admin.backup_files import to_backup
from opsconsole.admin.backup_forms import BackUpForm
from opsconsole.admin.classes import ReadOnly
from opsconsole.admin.restore_asking import RestoreAsking
from opsconsole.backups import hold, take
from opsconsole.callers import caller_of
from opsconsole.models import Backup
from pmscoring.base.admin import theme
from pmscoring.base.admin.pages import page
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.nudges import nudge
from pmscoring.base.refusals import Busy, Refused

EXPECTED = (Busy, Refused, WrongState)
"""What a verb raises where nothing is broken; the message says what a person can do."""


class BackupActions(RestoreAsking):
    """The buttons of the list, and those of a backup's page."""

    actions_list = ("back_up", "upload_archive")

    def views(self) -> dict[str, Callable[..., HttpResponseBase]]:
        return {
            **super().views(),
            "verify": self.verify_view,
            "copy": self.copy_view,
            "hold": self.hold_view,
        }

    @theme.action(
        description=gettext_lazy("Back up now"),
        icon="backup",
        permissions=["operate"],
        url_path="now",
    )
    def back_up(self, request: HttpRequest) -> HttpResponse:
        """A form that says what a backup takes along; its page then shows it being made."""
        form = BackUpForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            backup = request_backup(self, request, **form.cleaned_data)
            if backup:
                return to_backup(backup)
        title, back = _("Back up now"), reverse("admin:opsconsole_backup_changelist")
        context = {"form": form, "verb": title, "back": back}
        return page(self, request, "opsconsole/back_up.html", title, None, **context)

    @theme.action(
        description=gettext_lazy("Upload a backup"),
        icon="upload",
        permissions=["operate"],
        url_path="upload-archive",
    )
    def upload_archive(self, request: HttpRequest) -> HttpResponse:
        """The theme's own addresses read the form too early for a large file."""
        return HttpResponseRedirect(reverse("admin:opsconsole_backup_upload"))

    def verify_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST asks a worker to restore the backup on trial and to compare it."""
        backup = get_object_or_404(Backup, pk=pk)
        if request.method == "POST" and self.has_operate_permission(request):
            caller = caller_of(request)
            nudge(tasks.verify_backup, backup.pk, "", caller.name, caller.source, caller.address)
            self.message_user(
                request, _("A worker verifies it; the result appears under “Verifications”.")
            )
        return to_backup(backup)

    def copy_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST asks a worker to copy the backup to the stores that lack it."""
        backup = get_object_or_404(Backup, pk=pk)
        if request.method == "POST" and self.has_operate_permission(request):
            caller = caller_of(request)
            nudge(tasks.copy_again, backup.pk, caller.name, caller.source, caller.address)
            self.message_user(request, _("A worker copies it; the result appears under “Copies”."))
        return to_backup(backup)

    def hold_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST keeps the backup from being removed, or lets its plan remove it again."""
        backup = get_object_or_404(Backup, pk=pk)
        if request.method == "POST" and self.has_operate_permission(request):
            try:
                hold.hold(backup, caller=caller_of(request), on=bool(request.POST.get("held")))
            except WrongState as error:
                self.message_failure(request, error)
        return to_backup(backup)


def request_backup(owner: ReadOnly | Any, request: HttpRequest, **wanted: Any) -> Backup | None:
    """Ask for a backup and nudge a worker; None, with the reason shown, where it is refused."""
    try:
        backup = take.request(caller=caller_of(request), **wanted)
    except EXPECTED as error:
        owner.message_failure(request, error)
        return None
    nudge(tasks.take_backup, backup.pk)
    return backup

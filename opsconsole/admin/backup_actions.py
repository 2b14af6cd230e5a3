"""What an operator does with backups: keep one from being removed."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from opsconsole.admin.backup_files import BackupFiles, to_backup
from opsconsole.backups import hold
from opsconsole.callers import caller_of
from opsconsole.models import Backup
from pmscoring.base.lifecycle import WrongState


class BackupActions(BackupFiles):
    """The buttons of a backup's page."""

    def views(self) -> dict[str, Callable[..., HttpResponseBase]]:
        return {**super().views(), "hold": self.hold_view}

    def hold_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST keeps the backup from being removed, or lets its plan remove it again."""
        backup = get_object_or_404(Backup, pk=pk)
        if request.method == "POST" and self.has_operate_permission(request):
            try:
                hold.hold(backup, caller=caller_of(request), on=bool(request.POST.get("held")))
            except WrongState as error:
                self.message_failure(request, error)
        return to_backup(backup)

"""A backup's files, out and in: the download, which goes on where it broke off, and the upload."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from opsconsole.admin.backup_page import BackupPage
from opsconsole.backups import download
from opsconsole.callers import caller_of
from opsconsole.models import Backup, Event
from pmscoring.base.downloads import ranged_response, wanted_range
from pmscoring.base.refusals import Refused


class BackupFiles(BackupPage):
    """The addresses below a backup's page."""

    def views(self) -> dict[str, Callable[..., HttpResponseBase]]:
        """The views below the page of a backup, by the last part of their address."""
        return {"download": self.download_view}

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"opsconsole_backup_{name}",
            )
            for name, view in self.views().items()
        ]
        return [*pages, *super().get_urls()]

    def download_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The backup as one tar file, or the part of it that the request asks for."""
        backup = get_object_or_404(Backup, pk=pk)
        if not self.has_operate_permission(request):
            return to_backup(backup)
        try:
            archive = download.archive(backup)
        except Refused as error:
            self.message_failure(request, error)
            return to_backup(backup)
        first, last = wanted_range(request, archive)
        if request.method == "GET" and first <= last:
            # Before the first byte leaves: what was sent of a download that broke off counts too.
            Event.objects.record(
                "backup.downloaded", backup, caller_of(request), first=first, last=last
            )
        return ranged_response(request, archive, "application/x-tar", archive.name)


def to_backup(backup: Backup) -> HttpResponse:
    """Back to the page of the backup."""
    return HttpResponseRedirect(reverse("admin:opsconsole_backup_change", args=[backup.pk]))


def back_address(backup: Any) -> str:
    """The address of the backup's page."""
    return reverse("admin:opsconsole_backup_change", args=[backup.pk])

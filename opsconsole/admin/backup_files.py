"""A backup's files, out and in: the download, which goes on where it broke off, and the upload."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from opsconsole import tasks
from opsconsole.admin import words
from opsconsole.admin.archive_upload import ArchiveHandler, free, is_too_large
from opsconsole.admin.backup_forms import ArchiveForm
from opsconsole.admin.backup_page import BackupPage
from opsconsole.backups import arrival, download
from opsconsole.callers import caller_of
from opsconsole.models import Backup, Event
from pmscoring.base.admin.pages import page
from pmscoring.base.body_limits import takes_file
from pmscoring.base.downloads import ranged_response, wanted_range
from pmscoring.base.nudges import nudge
from pmscoring.base.refusals import Refused


class BackupFiles(BackupPage):
    """The addresses below a backup's page, and the one to which an archive is uploaded."""

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
        return [*pages, self._upload_address(), *super().get_urls()]

    def _upload_address(self) -> URLPattern:
        """Django's check against forged requests reads the form, and with it the whole upload.

        So it comes after the upload handler was chosen, and after the roles were looked at.
        """
        view = self.admin_site.admin_view(csrf_exempt(self.upload_view))
        return path("upload/", view, name="opsconsole_backup_upload")

    @takes_file(None)
    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """A form for an archive; what arrives waits for the worker."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        request.upload_handlers = [ArchiveHandler(request)]
        if request.method == "POST" and is_too_large(request):
            refusal = _("The file is larger than what is free on the disk; nothing was uploaded.")
            return self._upload_page(request, ArchiveForm(), refusal)
        try:
            request.POST  # noqa: B018 - reads it; the check would call an upload that broke off forged
        except UnreadablePostError:
            refusal = _("The upload broke off or was too slow; nothing of it was kept. Try again.")
            return self._upload_page(request, ArchiveForm(), refusal)
        checked: HttpResponse = csrf_protect(self._upload)(request)
        return checked

    def _upload(self, request: HttpRequest) -> HttpResponse:
        form = ArchiveForm(request.POST or None, request.FILES or None)
        if not form.is_valid():
            return self._upload_page(request, form)
        try:
            backup = arrival.receive(form.cleaned_data["file"].path, caller=caller_of(request))
        except (Refused, OSError) as error:
            return self._upload_page(request, form, str(error))
        nudge(tasks.take_backup, backup.pk)
        return to_backup(backup)

    def _upload_page(
        self, request: HttpRequest, form: ArchiveForm, refusal: str = ""
    ) -> HttpResponse:
        context = {"form": form, "refusal": refusal, "free": words.size(free())}
        context["back"] = reverse("admin:opsconsole_backup_changelist")
        title = _("Upload a backup")
        return page(self, request, "opsconsole/upload.html", title, None, **context)

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
    return HttpResponseRedirect(back_address(backup))


def back_address(backup: Any) -> str:
    """The address of the backup's page."""
    return reverse("admin:opsconsole_backup_change", args=[backup.pk])

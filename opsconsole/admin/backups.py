"""The list of backups, newest first, with the charts of their sizes and durations above it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import charts, states, words
from opsconsole.admin.backup_actions import BackupActions
from opsconsole.models import LOCAL, Backup, BackupCopy
from pmscoring.base.admin import theme


@admin.register(Backup)
class BackupAdmin(BackupActions):
    """Every backup that was ever asked for; those whose files are gone by the filter."""

    list_display = (
        "requested",
        "state",
        "verified",
        "size",
        "took",
        "where",
        "plan",
        "remark",
    )
    list_display_links = ("requested",)
    list_filter = ("status", "plan", "origin", "held", "requested_at")
    list_select_related = ("plan",)
    search_fields = ("name", "note")
    list_before_template = "opsconsole/backups_head.html"

    class Media:
        css = {"all": ("opsconsole/backups.css",)}

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("manifest").prefetch_related("copies")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Add the context of opsconsole/backups_head.html."""
        context = {
            **charts.charts(),
            "may_operate": self.has_operate_permission(request),
            "any": Backup.objects.exists(),
            "newest": Backup.objects.newest_verified(),
            "title": _("Backups"),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @theme.display(description=_("backup"), ordering="requested_at")
    def requested(self, backup: Backup) -> str:
        return format_html(
            '<span class="pms-two">{}<br><small class="pms-none">{}</small></span>',
            states.when(backup.requested_at),
            backup.name,
        )

    @theme.display(description=_("state"), ordering="status")
    def state(self, backup: Backup) -> str:
        return states.live_state(backup)

    @theme.display(description=_("verified"), ordering="verified_at")
    def verified(self, backup: Backup) -> str:
        return states.verified(backup)

    @theme.display(description=_("size"), ordering="bytes")
    def size(self, backup: Backup) -> str:
        return format_html('<span class="pms-number">{}</span>', words.size(backup.bytes))

    @theme.display(description=_("duration"), ordering="seconds")
    def took(self, backup: Backup) -> str:
        return format_html('<span class="pms-number">{}</span>', words.duration(backup.seconds))

    @theme.display(description=_("stores"))
    def where(self, backup: Backup) -> str:
        names = [
            gettext("this server") if copy.store == LOCAL else copy.store
            for copy in backup.copies.all()
            if copy.status == BackupCopy.Status.STORED
        ]
        return format_html('<span class="pms-two">{}</span>', ", ".join(names) or words.NOTHING)

    @theme.display(description=_("note"))
    def remark(self, backup: Backup) -> str:
        held = gettext("held") if backup.held else ""
        text = " · ".join(filter(None, [held, backup.note, backup.reason])) or words.NOTHING
        return format_html('<span class="pms-excerpt pms-remark" title="{}">{}</span>', text, text)

"""Events: the list with its filters, whether the chain is whole, and the file of all of them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.timezone import localtime, now
from django.utils.translation import gettext_lazy as _

from opsconsole.admin.classes import ReadOnly
from opsconsole.callers import caller_of
from opsconsole.models import Event, Installation
from opsconsole.models.chain_files import MEDIA_TYPE, exported
from opsconsole.models.deeds import DEEDS
from pmscoring.base.admin import theme
from pmscoring.base.downloads import file_response

LOOKED_AT = 1000
"""How many of the newest events each look at the list verifies: some 20 ms."""
RESULTS = {
    Event.Result.OK: "success",
    Event.Result.FAILED: "danger",
    Event.Result.REFUSED: "warning",
}


class DeedFilter(admin.SimpleListFilter):
    """By what was done, in the words of the vocabulary."""

    title = _("what")
    parameter_name = "deed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Every deed."""
        return [(deed.code, deed.name) for deed in DEEDS.values()]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Event]") -> "QuerySet[Event]":
        """Events of that deed."""
        return queryset.filter(deed=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(ReadOnly):
    """Nothing can be added, changed or deleted here, and the database refuses it too."""

    list_display = (
        "number_sign",
        "when",
        "what",
        "on_what",
        "outcome",
        "actor",
        "source",
        "address",
    )
    list_display_links = ("number_sign", "when")
    list_filter = (DeedFilter, "result", "actor", "source", "object_type", "at")
    search_fields = ("actor", "object_name", "object_id", "address")
    search_help_text = _("Person, object or address")
    date_hierarchy = "at"
    actions_list = ("check_chain", "export")
    list_before_template = "opsconsole/chain.html"
    fields = (
        ("number", "when"),
        ("what", "result"),
        "on_what",
        ("actor", "source", "address"),
        "all_details",
        "previous",
        "hash",
    )
    readonly_fields = ("when", "what", "on_what", "all_details")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Add the context of opsconsole/chain.html."""
        chain = {
            "events": Installation.objects.here().events,
            "newest": LOOKED_AT,
            "broken_at": Event.objects.broken_at(newest=LOOKED_AT),
        }
        return super().changelist_view(request, {"chain": chain, **(extra_context or {})})

    def has_export_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the events."""
        return self.has_view_permission(request)

    @theme.action(
        description=_("Verify the whole chain"),
        icon="verified",
        permissions=["export"],
        url_path="check",
    )
    def check_chain(self, request: HttpRequest) -> HttpResponse:
        """Follow the chain from the first event on; a million takes some 20 s."""
        broken_at = Event.objects.broken_at()
        if broken_at is None:
            words = {"count": Installation.objects.here().events}
            self.message_user(request, _("All %(count)d events are as recorded.") % words)
        else:
            words = {"number": broken_at}
            fault = _("Event %(number)d was changed, removed or moved.") % words
            self.message_user(request, fault, "error")
        return HttpResponseRedirect(reverse("admin:opsconsole_event_changelist"))

    @theme.action(
        description=_("Export"), icon="download", permissions=["export"], url_path="export"
    )
    def export(self, request: HttpRequest) -> HttpResponseBase:
        """All events as NDJSON, which `manage.py audit --from` verifies."""
        Event.objects.record("events.exported", None, caller_of(request))
        name = f"events-{localtime(now()):%Y%m%d-%H%M}.ndjson"
        return file_response(exported(), MEDIA_TYPE, name)

    @theme.display(description="#", ordering="number")
    def number_sign(self, event: Event) -> str:
        return f"#{event.number}"

    @theme.display(description=_("time"), ordering="at")
    def when(self, event: Event) -> str:
        """To the second, by which events are told apart."""
        return f"{localtime(event.at):%Y-%m-%d %H:%M:%S}"

    @theme.display(description=_("what"), ordering="deed")
    def what(self, event: Event) -> str:
        return event.deed_name

    @theme.display(description=_("result"), ordering="result", label=RESULTS)
    def outcome(self, event: Event) -> tuple[str, str]:
        return event.result, event.get_result_display()

    @theme.display(description=_("object"), ordering="object_name")
    def on_what(self, event: Event) -> str:
        """The object's name, which leads to its page where there is one."""
        if not event.object_id:
            return "–"
        try:
            name = f"admin:opsconsole_{event.object_type}_change"
            address = reverse(name, args=[event.object_id])
        except NoReverseMatch:
            return event.object_name
        return format_html('<a class="pms-link" href="{}">{}</a>', address, event.object_name)

    @theme.display(description=_("details"))
    def all_details(self, event: Event) -> str:
        """As a table."""
        return render_to_string("opsconsole/details.html", {"details": event.named_details})

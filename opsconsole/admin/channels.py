"""Channels: where notices go, whether they arrive, and a test."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from opsconsole.admin.classes import Admin
from opsconsole.callers import caller_of
from opsconsole.gateways.notices import has_file
from opsconsole.models import Channel, Event
from opsconsole.notices import testing
from pmscoring.base.admin import bars, theme
from pmscoring.base.admin.pages import confirmation
from pmscoring.base.refusals import Refused
from pmscoring.base.roles import has_role

STATES = {
    "off": "default",
    "no_file": "danger",
    "failing": "danger",
    "works": "success",
    "new": "info",
}


@admin.register(Channel)
class ChannelAdmin(Admin):
    """The address of a channel is in a file that nothing here reads."""

    list_display = ("name", "state", "successes", "language", "delivered_at", "fault")
    list_filter = ("enabled", "successes")
    search_fields = ("name",)
    actions_detail = ("send_test",)
    fields = ("name", ("enabled", "successes"), "language", "progress")
    readonly_fields = ("progress",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else self.fields[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The name is the file's: another file is another channel."""
        return ("name", "progress") if obj else ()

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        """Write what the form changed, and leave an event."""
        # A worker writes other columns of the row meanwhile, so not every column is written.
        obj.save(update_fields=form.changed_data if change else None)
        if change and obj.enabled and "enabled" in form.changed_data:
            obj.start_afresh()
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        self._record(request, obj, "changed" if change else "added", **changed)

    def delete_model(self, request: HttpRequest, obj: Channel) -> None:
        """Remove the row; the file stays."""
        self._record(request, obj, "removed")
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Channel]") -> None:
        """One by one, each with its event."""
        for channel in queryset:
            self.delete_model(request, channel)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def has_test_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators."""
        return has_role(request.user, *self.writers)

    @theme.action(description=_("Send a test"), icon="send", permissions=["test"], url_path="test")
    def send_test(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """GET asks for confirmation, POST has a worker send a notice."""
        channel = get_object_or_404(Channel, pk=object_id)
        back = reverse("admin:opsconsole_channel_change", args=[object_id])
        if request.method != "POST":
            title = _("Send a test notice to %(channel)s?") % {"channel": channel}
            meaning = str(_("The result is shown on the channel's page."))
            return confirmation(self, request, str(title), channel, meaning=meaning, back=back)
        try:
            testing.request_test(channel, caller_of(request))
        except Refused as error:
            self.message_failure(request, error)
        else:
            self.message_user(request, _("The test notice is on its way."))
        return HttpResponseRedirect(back)

    def _record(self, request: HttpRequest, channel: Channel, change: str, **more: Any) -> None:
        caller = caller_of(request)
        Event.objects.record("channel.changed", channel, caller, change=change, **more)

    @theme.display(description=_("state"), label=STATES)
    def state(self, channel: Channel) -> tuple[str, Any]:
        """What can be said of it now."""
        if not channel.enabled:
            return "off", _("switched off")
        if not has_file(channel.name):
            return "no_file", _("without a file")
        if channel.fault:
            return "failing", _("failing")
        return ("works", _("works")) if channel.delivered_at else ("new", _("not tried yet"))

    @theme.display(description=_("notices"))
    def progress(self, channel: Channel) -> str:
        """The last delivery and the last fault; the page refreshes it while something waits."""
        waits = channel.enabled and channel.news().exists()
        context = {"channel": channel, "waits": waits, "file": has_file(channel.name)}
        content = render_to_string("opsconsole/channel.html", context)
        return bars.live("channel-live", content, alive=waits)

"""Restores: the list, and the page of one: its steps while it goes on, then what came of it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole import tasks
from opsconsole.admin import contents, states, words
from opsconsole.admin.backup_forms import TypedNameForm
from opsconsole.admin.classes import ReadOnly
from opsconsole.callers import caller_of
from opsconsole.models import Event, Restore
from pmscoring.base.admin import theme
from pmscoring.base.admin.pages import page
from pmscoring.base.roles import has_role

MOST_SHOWN = 20


@admin.register(Restore)
class RestoreAdmin(ReadOnly):
    """A restore is asked for on the page of a backup; here it is watched."""

    list_display = ("requested", "state", "backup_name", "requested_by", "took", "why")
    list_display_links = ("requested",)
    list_filter = ("status", "requested_at")
    list_before_template = "opsconsole/restores_head.html"

    class Media:
        css = {"all": ("opsconsole/backups.css",)}

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.drop_view)
        drop = path("<int:pk>/drop/", view, name="opsconsole_restore_drop")
        return [drop, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say where a restore begins while there is none."""
        context = {"any": Restore.objects.exists(), "title": gettext("Restores")}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One restore."""
        restore = self.get_object(request, unquote(object_id))
        if not isinstance(restore, Restore) or not self.has_view_permission(request, restore):
            raise Http404
        context = page_context(restore)
        context["may_drop"] = _has_previous(restore) and self.has_operate_permission(request)
        template, title = "opsconsole/restore.html", gettext("Restore")
        return page(self, request, template, title, restore, **context)

    def drop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET says what is lost with the previous database; POST with its name drops it."""
        restore = get_object_or_404(Restore, pk=pk)
        back = reverse("admin:opsconsole_restore_change", args=[pk])
        if not self.has_operate_permission(request) or not _has_previous(restore):
            return HttpResponseRedirect(back)
        form = TypedNameForm(restore.previous or restore.backup_name, request.POST or None)
        if form.is_valid():
            tasks.nudge_drop(restore, caller_of(request))
            self.message_user(request, gettext("A worker drops the previous database."))
            return HttpResponseRedirect(back)
        template, title = "opsconsole/drop.html", gettext("Drop the previous database?")
        return page(self, request, template, title, restore, form=form, back=back)

    @theme.display(description=_("restore"), ordering="requested_at")
    def requested(self, restore: Restore) -> str:
        return states.when(restore.requested_at)

    @theme.display(description=_("state"), ordering="status")
    def state(self, restore: Restore) -> str:
        return states.live_state(restore)

    @theme.display(description=_("duration"), ordering="seconds")
    def took(self, restore: Restore) -> str:
        return words.duration(restore.seconds)


def _has_previous(restore: Restore) -> bool:
    """Whether what it took the place of is still there: a database, or files alone."""
    return restore.status == Restore.Status.DONE and restore.previous_dropped_at is None


def page_context(restore: Restore) -> dict[str, Any]:
    """The context of opsconsole/restore.html but for what depends on the viewer."""
    events = Event.objects.filter(object_type="restore", object_id=str(restore.pk))
    return {
        "restore": restore,
        "label": states.label(restore),
        "alive": states.is_alive(restore),
        "bar": states.bar(restore),
        "steps": states.steps(restore, _steps(restore)),
        "took": words.duration(restore.seconds),
        "report": contents.report(restore.report),
        "previous_is_kept": _has_previous(restore),
        "events": events[:MOST_SHOWN],
    }


def _steps(restore: Restore) -> list[tuple[str, str]]:
    order = [
        (Restore.Status.REQUESTED, gettext("requested")),
        (Restore.Status.SAFETY_BACKUP, gettext("safety backup")),
        (Restore.Status.RESTORING, gettext("restoring beside the live database")),
        (Restore.Status.CHECKING, gettext("checking")),
        (Restore.Status.SWAPPING, gettext("swapping")),
        (Restore.Status.DONE, gettext("done")),
    ]
    if not restore.safety:
        order[1] = (Restore.Status.SAFETY_BACKUP, gettext("no safety backup"))
    return [(state.value, name) for state, name in order]

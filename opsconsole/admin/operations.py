"""Operations: what was done to services at once, and what it printed."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import states, words
from opsconsole.admin.classes import ReadOnly
from opsconsole.models import Event, Operation
from pmscoring.base.admin import theme
from pmscoring.base.admin.pages import page
from pmscoring.base.roles import has_role

MOST_SHOWN = 10


@admin.register(Operation)
class OperationAdmin(ReadOnly):
    """An operation is asked for on the page of its environment."""

    list_display = ("requested", "environment", "kind", "on", "state", "requested_by", "took")
    list_display_links = ("requested",)
    list_filter = ("environment", "kind", "status", "requested_at")
    list_select_related = ("environment",)
    search_fields = ("target", "requested_by", "why")
    list_before_template = "opsconsole/operations_head.html"

    class Media:
        css = {"all": ("opsconsole/backups.css", "opsconsole/environments.css")}

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("output")

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., HttpResponse] = self.admin_site.admin_view(self.output_view)
        output = path("<int:pk>/output/", view, name="opsconsole_operation_output")
        return [output, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say where operations come from while there is none."""
        context = {"any": Operation.objects.exists(), "title": gettext("Operations")}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One operation, with its output as it comes."""
        operation = self.get_object(request, unquote(object_id))
        if not isinstance(operation, Operation) or not self.has_view_permission(request):
            raise Http404
        context = page_context(operation)
        context["may_operate"] = self.has_operate_permission(request)
        context["follows"] = "1" if request.GET.get("follow") else "0"
        template, title = "opsconsole/operation.html", gettext("Operation")
        return page(self, request, template, title, operation, **context)

    def output_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What it printed, as a text file."""
        operation = get_object_or_404(Operation, pk=pk)
        if not self.has_view_permission(request):
            raise Http404
        name = f"{operation.environment.code}-{operation.kind}-{operation.pk}.txt"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(
            operation.output, content_type="text/plain; charset=utf-8", headers=headers
        )

    @theme.display(description=_("operation"), ordering="requested_at")
    def requested(self, operation: Operation) -> SafeString:
        return states.when(operation.requested_at)

    @theme.display(description=_("on"), ordering="target")
    def on(self, operation: Operation) -> str:
        return operation.on

    @theme.display(description=_("state"), ordering="status")
    def state(self, operation: Operation) -> SafeString:
        return states.live_state(operation)

    @theme.display(description=_("duration"), ordering="seconds")
    def took(self, operation: Operation) -> str:
        return words.duration(operation.seconds)


def page_context(operation: Operation) -> dict[str, Any]:
    """The context of opsconsole/operation.html but for what depends on the viewer."""
    events = Event.objects.filter(object_type="operation", object_id=str(operation.pk))
    arguments = [(key, operation.arguments[key]) for key in operation.arguments if key != "name"]
    return {
        "operation": operation,
        "label": states.label(operation),
        "alive": states.is_alive(operation),
        "bar": states.bar(operation),
        "asked": states.when(operation.requested_at),
        "took": words.duration(operation.seconds),
        "arguments": [(key, _written(value)) for key, value in arguments if value],
        "reads_on": reads_on(operation),
        "events": events[:MOST_SHOWN],
    }


def reads_on(operation: Operation) -> dict[str, Any] | None:
    """The fields with which the log is read on from its last line; None for anything else."""
    if operation.kind != Operation.Kind.LOGS or states.is_alive(operation):
        return None
    last = operation.output.rpartition("\n")[2].partition(" ")[0]
    return {
        "replica": operation.target,
        "tail": operation.arguments.get("tail") or 200,
        "search": operation.arguments.get("search") or "",
        "since": last or operation.arguments.get("since") or "",
        "follow": "on",
    }


def _written(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)

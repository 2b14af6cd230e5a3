"""Environments: the list, and below it the page of each."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import seen, states, words
from opsconsole.admin.environment_beside import EnvironmentBeside
from opsconsole.models import Environment
from pmscoring.base.admin import theme


class RemovedFilter(admin.SimpleListFilter):
    """Those that were removed are shown only where one asks for them."""

    title = _("removed")
    parameter_name = "removed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Only one: they, too."""
        return [("too", _("removed ones too"))]

    def queryset(
        self, request: HttpRequest, queryset: "QuerySet[Environment]"
    ) -> "QuerySet[Environment]":
        """All, or those that were not removed."""
        return queryset if self.value() else queryset.filter(removed_at=None)


@admin.register(Environment)
class EnvironmentAdmin(EnvironmentBeside):
    """This installation enters itself; operators add others beside it."""

    list_display = ("name", "kind", "engine", "state", "live", "replicas", "usage", "looked")
    list_display_links = ("name",)
    list_filter = ("kind", "engine", RemovedFilter)
    list_select_related = ("release",)
    list_before_template = "opsconsole/environments_head.html"

    class Media:
        css = {"all": ("opsconsole/backups.css", "opsconsole/environments.css")}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say what comes first while there is none."""
        context = {
            "any": Environment.objects.kept().exists(),
            "title": gettext("Environments"),
            "may_operate": self.has_operate_permission(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @theme.display(description=_("environment"), ordering="code")
    def name(self, environment: Environment) -> str:
        here = gettext("this installation") if environment.is_here else environment.base_url
        return format_html(
            '<span class="pms-two">{}<br><small class="pms-none">{}</small></span>',
            environment.code,
            here,
        )

    @theme.display(description=_("state"))
    def state(self, environment: Environment) -> SafeString:
        return seen.label(environment)

    @theme.display(description=_("live version"))
    def live(self, environment: Environment) -> str:
        return environment.release.version if environment.release else words.NOTHING

    @theme.display(description=_("replicas"))
    def replicas(self, environment: Environment) -> str:
        if not environment.seen:
            return words.NOTHING
        totals = seen.totals(environment)
        return gettext("%(good)d of %(wanted)d") % totals

    @theme.display(description=_("load"))
    def usage(self, environment: Environment) -> str:
        totals = seen.totals(environment)
        return format_html('<span class="pms-two">{cpu}<br>{memory}</span>', **totals)

    @theme.display(description=_("seen"), ordering="seen_at")
    def looked(self, environment: Environment) -> SafeString:
        return format_html(
            '<span title="{}">{}</span>',
            states.moment(environment.seen_at),
            words.age(environment.seen_at),
        )

"""Releases: what ran, how it differs from what is live, and the way back to it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import differences, states, words
from opsconsole.admin.classes import ReadOnly
from opsconsole.models import Environment, Release
from pmscoring.base.admin import theme
from pmscoring.base.admin.labels import labels
from pmscoring.base.admin.pages import page
from pmscoring.base.roles import has_role

MOST_SHOWN = 10


@admin.register(Release)
class ReleaseAdmin(ReadOnly):
    """A release is recorded when its images are there, and never changed."""

    list_display = ("version_and_id", "environment", "state", "recorded", "services")
    list_display_links = ("version_and_id",)
    list_filter = ("environment", "created_at")
    list_select_related = ("environment",)
    search_fields = ("version",)
    list_before_template = "opsconsole/releases_head.html"

    class Media:
        css = {"all": ("opsconsole/backups.css", "opsconsole/environments.css")}

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say where releases come from while there is none."""
        context = {"any": Release.objects.exists(), "title": gettext("Releases")}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One release."""
        release = self.get_object(request, unquote(object_id))
        if not isinstance(release, Release) or not self.has_view_permission(request, release):
            raise Http404
        context = page_context(release)
        operates = self.has_operate_permission(request)
        ran = Release.objects.ran().filter(pk=release.pk).exists()
        context["may_deploy"] = operates and ran and may_deploy(release.environment)
        template, title = "opsconsole/release.html", gettext("Release")
        return page(self, request, template, title, release, **context)

    @theme.display(description=_("release"), ordering="version")
    def version_and_id(self, release: Release) -> str:
        return format_html(
            '<span class="pms-two">{}<br><small class="pms-none">{}</small></span>',
            release.version,
            str(release.uid)[:8],
        )

    @theme.display(description=_("state"))
    def state(self, release: Release) -> str:
        return state_of(release)

    @theme.display(description=_("recorded"), ordering="created_at")
    def recorded(self, release: Release) -> SafeString:
        return states.when(release.created_at)

    @theme.display(description=_("services"))
    def services(self, release: Release) -> str:
        return ", ".join(sorted(release.images)) or words.NOTHING


def state_of(release: Release) -> str:
    """Whether it is live; a dash where it is not."""
    live = release.environment.release_id == release.pk
    return labels([("success", gettext("live"))]) if live else words.NOTHING


def may_deploy(environment: Environment) -> bool:
    """Whether something can be deployed into it at all."""
    return environment.removed_at is None and environment.engine != Environment.Engine.EMBEDDED


def _roll_back_address(release: Release) -> str:
    return reverse("admin:opsconsole_environment_roll_back", args=[release.environment_id])


def page_context(release: Release) -> dict[str, Any]:
    """The context of opsconsole/release.html but for what depends on the viewer."""
    live = release.environment.release
    is_live = live == release
    deployments = release.deployments.select_related("environment")[:MOST_SHOWN]
    return {
        "release": release,
        "state": state_of(release),
        "is_live": is_live,
        "live": live,
        "recorded": states.when(release.created_at),
        "deploy": f"{_roll_back_address(release)}?release={release.pk}",
        "differences": differences.between(live, release) if live and not is_live else [],
        "images": sorted(release.images.items()),
        "variables": sorted(release.variables.items()),
        "files": sorted(release.files.items()),
        "secrets": sorted(differences.shortened(release.secrets).items()),
        "migrations": [
            (app, len(names), max(names))
            for app, names in sorted(release.migrations.items())
            if names
        ],
        "deployments": [
            (row, states.label(row), states.when(row.requested_at)) for row in deployments
        ],
    }

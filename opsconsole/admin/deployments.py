"""Deployments: the list, and the page of each."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import states, words
from opsconsole.admin.deployment_deeds import DeploymentDeeds
from opsconsole.admin.deployment_page import waits_for_approval
from opsconsole.models import Deployment
from pmscoring.base.admin import theme
from pmscoring.base.admin.labels import labels


@admin.register(Deployment)
class DeploymentAdmin(DeploymentDeeds):
    """A deployment is asked for on the page of an environment or of a release."""

    list_display = (
        "requested",
        "environment",
        "change",
        "state",
        "took",
        "failed_requests",
        "requested_by",
        "remark",
    )
    list_display_links = ("requested",)
    list_filter = ("environment", "status", "source", "requested_at")
    list_select_related = ("environment", "from_release", "to_release")
    search_fields = ("version", "why", "reason", "requested_by")
    list_before_template = "opsconsole/deployments_head.html"

    class Media:
        css = {"all": ("opsconsole/backups.css", "opsconsole/environments.css")}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say where a deployment begins while there is none."""
        context = {"any": Deployment.objects.exists(), "title": gettext("Deployments")}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @theme.display(description=_("deployment"), ordering="requested_at")
    def requested(self, deployment: Deployment) -> SafeString:
        return states.when(deployment.requested_at)

    @theme.display(description=_("version"), ordering="version")
    def change(self, deployment: Deployment) -> str:
        """From which version to which."""
        before = deployment.from_release
        if before is None or before.version == deployment.version:
            return deployment.version
        return format_html(
            '<span class="pms-two"><span class="pms-none">{} →</span> {}</span>',
            before.version,
            deployment.version,
        )

    @theme.display(description=_("state"), ordering="status")
    def state(self, deployment: Deployment) -> SafeString:
        if waits_for_approval(deployment):
            return labels([("warning", gettext("waits for approval"))])
        return states.live_state(deployment)

    @theme.display(description=_("duration"), ordering="seconds")
    def took(self, deployment: Deployment) -> str:
        return format_html('<span class="pms-number">{}</span>', words.duration(deployment.seconds))

    @theme.display(description=_("reason"))
    def remark(self, deployment: Deployment) -> str:
        text = " · ".join(filter(None, [deployment.reason, deployment.why])) or words.NOTHING
        return format_html('<span class="pms-excerpt pms-remark" title="{}">{}</span>', text, text)

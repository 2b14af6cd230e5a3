"""Scaling policies: the list, and below it the page of each."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import scaling_states, scaling_words, words
from opsconsole.admin.scaling_deeds import PolicyDeeds
from opsconsole.models import ScalingDecision, ScalingPolicy
from pmscoring.base.admin import theme


@admin.register(ScalingPolicy)
class ScalingPolicyAdmin(PolicyDeeds):
    """Those of `web` and `worker` are there from the first start; operators add and change them."""

    list_display = ("name", "mode", "replicas", "reason", "decided")
    list_display_links = ("name",)
    list_filter = ("environment", "service", "dry_run")
    list_select_related = ("environment",)
    list_before_template = "opsconsole/policies_head.html"

    class Media:
        css = {"all": ("opsconsole/backups.css", "opsconsole/environments.css")}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say where policies come from while there is none."""
        context = {"any": ScalingPolicy.objects.exists(), "title": gettext("Scaling")}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @theme.display(description=_("service"), ordering="service")
    def name(self, policy: ScalingPolicy) -> SafeString:
        return format_html(
            '<span class="pms-two">{}<br><small class="pms-none">{}</small></span>',
            policy.service,
            policy.environment.code,
        )

    @theme.display(description=_("state"), ordering="dry_run")
    def mode(self, policy: ScalingPolicy) -> SafeString:
        return scaling_states.mode(policy)

    @theme.display(description=_("replicas"))
    def replicas(self, policy: ScalingPolicy) -> str:
        last = self._last(policy)
        if last is None:
            return words.NOTHING
        return format_html('<span class="pms-number">{}</span>', scaling_words.numbers(last))

    @theme.display(description=_("last decision"))
    def reason(self, policy: ScalingPolicy) -> str:
        last = self._last(policy)
        text = scaling_words.reason(last) if last else words.NOTHING
        return format_html('<span class="pms-excerpt" title="{}">{}</span>', text, text)

    @theme.display(description=_("decided"), ordering="decided_at")
    def decided(self, policy: ScalingPolicy) -> str:
        kind = "pms-two pms-bad" if scaling_states.is_stale(policy) else "pms-two"
        return format_html('<span class="{}">{}</span>', kind, words.age(policy.decided_at))

    def _last(self, policy: ScalingPolicy) -> ScalingDecision | None:
        return policy.decisions.first()

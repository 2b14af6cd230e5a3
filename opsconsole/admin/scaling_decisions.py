"""Decisions: the list, in which at first only changes are shown, and the page of each."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import scaling_page, scaling_states, scaling_words, states
from opsconsole.admin.classes import ReadOnly
from opsconsole.models import ScalingDecision
from pmscoring.base.admin import theme
from pmscoring.base.admin.pages import page


class ShownFilter(admin.SimpleListFilter):
    """There is a decision every 15 seconds, and most of them change nothing."""

    title = _("shown")
    parameter_name = "shown"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """All of them, or those that held; without either, those that changed something."""
        return [("held", _("those that held")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Name what is shown without a choice."""
        for choice in super().choices(changelist):
            is_usual = choice["query_string"] == changelist.get_query_string(
                remove=[self.parameter_name]
            )
            yield {**choice, "display": _("changes")} if is_usual else choice

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those that are shown."""
        if self.value() == "all":
            return queryset
        if self.value() == "held":
            return queryset.filter(action=ScalingDecision.Action.HOLD)
        return queryset.changing()


@admin.register(ScalingDecision)
class ScalingDecisionAdmin(ReadOnly):
    """What the policies decided, from what, and what came of it."""

    list_display = ("when", "policy", "numbers", "decided", "reason", "done")
    list_display_links = ("when",)
    list_filter = (ShownFilter, "policy", "because", "outcome", "at")
    list_select_related = ("policy__environment",)
    list_before_template = "opsconsole/decisions_head.html"

    class Media:
        css = {"all": ("opsconsole/backups.css", "opsconsole/environments.css")}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say where decisions come from while there is none."""
        context = {
            "any": ScalingDecision.objects.exists(),
            "title": gettext("Scaling decisions"),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One decision, with all that led to it."""
        decision = self.get_object(request, unquote(object_id))
        if not isinstance(decision, ScalingDecision) or not self.has_view_permission(request):
            raise Http404
        title = gettext("Scaling decision")
        context = page_context(decision)
        return page(self, request, "opsconsole/decision.html", title, decision, **context)

    @theme.display(description=_("time"), ordering="at")
    def when(self, decision: ScalingDecision) -> SafeString:
        return format_html('<span class="pms-two">{}</span>', states.when(decision.at))

    @theme.display(description=_("replicas"))
    def numbers(self, decision: ScalingDecision) -> SafeString:
        return format_html('<span class="pms-number">{}</span>', scaling_words.numbers(decision))

    @theme.display(description=_("decided"), ordering="action")
    def decided(self, decision: ScalingDecision) -> SafeString:
        return scaling_states.action(decision)

    @theme.display(description=_("why"))
    def reason(self, decision: ScalingDecision) -> SafeString:
        text = scaling_words.reason(decision)
        return format_html('<span class="pms-excerpt" title="{}">{}</span>', text, text)

    @theme.display(description=_("what was done"), ordering="outcome")
    def done(self, decision: ScalingDecision) -> SafeString:
        return scaling_states.outcome(decision)


def page_context(decision: ScalingDecision) -> dict[str, Any]:
    """The context of opsconsole/decision.html."""
    return {
        "decision": decision,
        "at": states.when(decision.at),
        "label": scaling_states.action(decision),
        "outcome": scaling_states.outcome(decision),
        "numbers": scaling_words.numbers(decision),
        "sentences": scaling_words.sentences(decision),
        "loads": scaling_page.loads(decision),
        "clamps": [scaling_words.clamp(clamp) for clamp in decision.clamps],
        "came_at": states.when(decision.came_at),
    }

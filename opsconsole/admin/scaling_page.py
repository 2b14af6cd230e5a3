"""The page of one policy: what it sees, what it decided and why, and what can be done."""

from collections.abc import Mapping
from typing import Any

from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.admin import (
    scaling_chart,
    scaling_series,
    scaling_states,
    scaling_table,
    scaling_words,
    states,
    words,
)
from opsconsole.admin.classes import Admin
from opsconsole.models import Event, ExamWindow, ScalingDecision, ScalingPolicy
from opsconsole.scaling import policies
from pmscoring.base.admin.pages import page
from pmscoring.base.roles import has_role

MOST_SHOWN = 8


class PolicyPage(Admin):
    """The page of a policy, readable without a script."""

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators act, and viewers see."""
        return has_role(request.user, *self.writers)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Everything about one policy."""
        policy = self.get_object(request, unquote(object_id))
        if not isinstance(policy, ScalingPolicy) or not self.has_view_permission(request):
            raise Http404
        context = page_context(policy, request.GET.get("span", ""))
        context["may_operate"] = self.has_operate_permission(request)
        title = _("Scaling of %s") % policy.service
        return page(self, request, "opsconsole/policy.html", title, policy, **context)


def page_context(policy: ScalingPolicy, code: str = "") -> dict[str, Any]:
    """The context of opsconsole/policy.html but for what depends on the viewer."""
    span = scaling_series.SPANS.get(code) or scaling_series.SPANS["hour"]
    series = scaling_series.series(policy, span)
    last = policy.decisions.first()
    hand = scaling_states.by_hand(policy)
    return {
        "policy": policy,
        "mode": scaling_states.mode(policy),
        "paused": policy.is_paused(),
        "paused_until": states.when(policy.paused_until),
        "by_hand": hand,
        "by_hand_until": scaling_states.until(hand) if hand else None,
        "stale": scaling_states.is_stale(policy),
        "holds_long": scaling_states.holds_long(policy),
        "held": scaling_states.held(policy),
        "failing": scaling_states.is_failing(policy),
        "decided": words.age(policy.decided_at),
        "startup": words.duration(policy.startup_seconds),
        "last": last,
        "ready": series.replicas[-1].ready if series.replicas else None,
        "label": scaling_states.action(last) if last else "",
        "outcome": scaling_states.outcome(last) if last else "",
        "sentences": scaling_words.sentences(last) if last else [],
        "loads": loads(last) if last else [],
        "span": span,
        "spans": list(scaling_series.SPANS.values()),
        "chart": scaling_chart.chart(series, policy.least, policy.most),
        "changes_left_out": series.changes_in_all - len(series.changes),
        "table": scaling_table.table(series),
        "changes": [changed(decision) for decision in policy.decisions.changing()[:MOST_SHOWN]],
        "rules": rules(policy),
        "windows": _windows(policy),
        "events": _events(policy),
    }


def changed(decision: ScalingDecision) -> dict[str, Any]:
    """A decision as a row of a list."""
    return {
        "decision": decision,
        "at": states.when(decision.at),
        "outcome": scaling_states.outcome(decision),
        "reason": scaling_words.reason(decision),
    }


def rules(policy: ScalingPolicy) -> list[tuple[str, list[str]]]:
    """What the policy says, each rule with its name."""
    metrics = [_metric(metric) for metric in policy.metrics]
    seconds = scaling_words.seconds
    rows = [
        (_("replicas"), [f"{policy.least} – {policy.most}"]),
        (_("decided by"), metrics),
        (_("tolerance"), [f"{policy.tolerance * 100:.3g}%"]),
    ]
    if policy.behaviour == ScalingPolicy.Behaviour.PLAIN:
        rows.append((_("form"), [str(policy.get_behaviour_display())]))
    else:
        rows += [
            (_("more, after"), [seconds(policy.up_window)]),
            (_("more, at most"), [scaling_words.rates(policy.up_rates or policies.UP_RATES)]),
            (_("fewer, at most"), [scaling_words.rates(policy.down_rates or policies.DOWN_RATES)]),
        ]
    rows += [
        (_("fewer, after"), [seconds(policy.down_window)]),
        (_("warm-up"), [seconds(policy.warm_up)]),
        (_("cooldown"), [seconds(policy.cooldown)]),
    ]
    return [(name, values) for name, values in rows if values]


def _metric(metric: Mapping[str, Any]) -> str:
    key = scaling_words.key(metric)
    target = scaling_words.target(key, metric["target"], metric["basis"])
    return f"{scaling_words.metric(key)}: {target}"


def loads(decision: ScalingDecision) -> list[Mapping[str, Any]]:
    """What the decision saw of each metric."""
    return [scaling_words.load(seen) for seen in decision.inputs]


def _windows(policy: ScalingPolicy) -> list[dict[str, Any]]:
    """Exam windows that hold or will, and ask for replicas of the service."""
    rows = ExamWindow.objects.filter(ends_at__gt=now()).order_by("starts_at")
    return [
        {
            "window": row,
            "starts": states.when(row.starts_at),
            "ends": states.when(row.ends_at),
            "replicas": row.floors[policy.service],
        }
        for row in rows
        if row.floors.get(policy.service)
    ][:MOST_SHOWN]


def _events(policy: ScalingPolicy) -> Any:
    events = Event.objects.filter(object_type="scalingpolicy", object_id=str(policy.pk))
    return events[:MOST_SHOWN]

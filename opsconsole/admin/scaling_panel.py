"""The panel of scaling on the overview, which the page of an environment has too."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from opsconsole.admin import scaling_page, scaling_states, scaling_words, words
from opsconsole.models import Environment, ScalingPolicy
from pmscoring.base.admin import overview
from pmscoring.base.roles import OPERATOR, VIEWER


def read(request: HttpRequest) -> dict[str, Any]:
    """The context of opsconsole/scaling_panel.html."""
    policies = ScalingPolicy.objects.filter(environment__in=Environment.objects.kept())
    listed = rows(policies.select_related("environment"))
    return {"rows": listed, "live": bool(listed)}


def rows(policies: Iterable[ScalingPolicy]) -> list[dict[str, Any]]:
    """Each policy with its load, its replicas and why, for opsconsole/scaling_rows.html."""
    return [_row(policy) for policy in policies]


def _row(policy: ScalingPolicy) -> dict[str, Any]:
    last = policy.decisions.first()
    return {
        "policy": policy,
        "mode": scaling_states.mode(policy),
        "numbers": scaling_words.numbers(last) if last else words.NOTHING,
        "reason": scaling_words.reason(last) if last else words.NOTHING,
        "loads": scaling_page.loads(last) if last else [],
        "age": words.age(policy.decided_at),
        "stale": scaling_states.is_stale(policy),
        "holds_long": scaling_states.holds_long(policy),
        "failing": scaling_states.is_failing(policy),
        "held": scaling_states.held(policy),
    }


overview.register(overview.Panel("opsconsole/scaling_panel.html", read, (OPERATOR, VIEWER), 5))

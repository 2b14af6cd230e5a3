"""How a policy is, and what came of a decision: in words and in colour."""

from datetime import datetime, timedelta

from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.admin import states, words
from opsconsole.models import Operation, ScalingDecision, ScalingPolicy
from opsconsole.scaling import outcomes
from pmscoring.base.admin.labels import labels

STALE = timedelta(seconds=60)
"""After four ticks without a decision nobody decides any more."""
LONG = timedelta(minutes=5)
"""After this time without data a person must look."""
ACTION = {"up": "primary", "down": "info", "stay": "default", "hold": "warning"}
OUTCOME = {
    "dry_run": "default",
    "paused": "warning",
    "doing": "primary",
    "done": "success",
    "short": "danger",
    "failed": "danger",
}


def mode(policy: ScalingPolicy, at: datetime | None = None) -> SafeString:
    """Whether it acts: at work, in dry run, or paused."""
    if not policy.environment.laid_out_at or policy.environment.removed_at:
        return labels([("default", _("not laid out"))])
    pairs = [("info", _("dry run"))] if policy.dry_run else []
    if policy.is_paused(at):
        pairs.append(("warning", _("paused")))
    return labels(pairs or [("success", _("at work"))])


def is_stale(policy: ScalingPolicy, at: datetime | None = None) -> bool:
    """Whether decisions fail to come, though its environment runs."""
    if not policy.environment.laid_out_at or policy.environment.removed_at:
        return False
    return policy.decided_at is None or policy.decided_at < (at or now()) - STALE


def holds_long(policy: ScalingPolicy, at: datetime | None = None) -> bool:
    """Whether it has held, or its changes have failed, for so long that a person must look."""
    return policy.held_since is not None and policy.held_since < (at or now()) - LONG


def is_failing(policy: ScalingPolicy, at: datetime | None = None) -> bool:
    """Whether it is not for want of data, but because its changes come to nothing."""
    return holds_long(policy, at) and outcomes.failing(policy, at) is not None


def held(policy: ScalingPolicy) -> str:
    """For how long it has held."""
    return timesince(policy.held_since, depth=1) if policy.held_since else words.NOTHING


def action(decision: ScalingDecision) -> SafeString:
    """What was decided."""
    return labels([(ACTION.get(decision.action, "default"), decision.get_action_display())])


def outcome(decision: ScalingDecision) -> SafeString:
    """What was done about it; nothing where there was nothing to do."""
    if not decision.outcome:
        return SafeString("")
    colour = OUTCOME.get(decision.outcome, "default")
    return labels([(colour, str(decision.get_outcome_display()))])


def by_hand(policy: ScalingPolicy) -> Operation | None:
    """The operation that puts the number back which somebody has set for a time."""
    waiting = policy.environment.operations.filter(
        kind=Operation.Kind.SCALE,
        status=Operation.Status.WAITING,
        target=policy.service,
        arguments__has_key="not_before",
    )
    return waiting.first()


def until(operation: Operation) -> SafeString:
    """When the number is put back."""
    return states.when(operation.arguments.get("not_before"))

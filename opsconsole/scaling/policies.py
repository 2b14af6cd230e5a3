"""Policies between their rows and the shapes that decisions are made of."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.models import Caller, Event, ScalingPolicy
from opsconsole.scaling.checks import check
from opsconsole.scaling.outcomes import GIVEN_UP
from opsconsole.scaling.shapes import (
    Basis,
    Behaviour,
    Clamp,
    Decision,
    Fallback,
    Kind,
    Metric,
    Policy,
    Rate,
    Unit,
)
from pmscoring.base.refusals import Busy, Refused

__all__ = [
    "DOWN_RATES",
    "RULES",
    "UP_RATES",
    "check",
    "document_of",
    "fingerprint",
    "remove",
    "save",
    "shape_of",
]

UP_RATES: list[dict[str, Any]] = [
    {"unit": "percent", "value": 100, "seconds": 15},
    {"unit": "replicas", "value": 4, "seconds": 15},
]
"""Those of a policy that names none, as in Kubernetes."""
DOWN_RATES: list[dict[str, Any]] = [{"unit": "percent", "value": 100, "seconds": 15}]
RULES = (
    *("dry_run", "least", "most", "metrics", "tolerance", "behaviour", "up_window", "down_window"),
    *("up_rates", "down_rates", "warm_up", "cooldown"),
)
"""The columns that people change."""


def shape_of(row: ScalingPolicy) -> Policy:
    """The policy as decisions are made by it; raises ValidationError where the row has none."""
    check(row)
    return Policy(
        service=row.service,
        least=row.least,
        most=row.most,
        metrics=tuple(_metric(each) for each in row.metrics),
        tolerance=row.tolerance,
        behaviour=Behaviour(row.behaviour),
        up_window=row.up_window,
        down_window=row.down_window,
        up_rates=tuple(_rate(each) for each in row.up_rates or UP_RATES),
        down_rates=tuple(_rate(each) for each in row.down_rates or DOWN_RATES),
        warm_up=row.warm_up,
        cooldown=row.cooldown,
    )


def document_of(decision: Decision) -> dict[str, Any]:
    """The decision as the columns of ScalingDecision have it."""
    return {
        "at": decision.at,
        "current": decision.current,
        "recommended": decision.recommended,
        "desired": decision.desired,
        "action": str(decision.action),
        "because": str(decision.because or ""),
        "inputs": [_plain(asdict(each)) for each in decision.inputs],
        "clamps": [_clamp(each) for each in decision.clamps],
    }


def _clamp(clamp: Clamp) -> dict[str, Any]:
    until = clamp.until.isoformat() if clamp.until else None
    return {**_plain(asdict(clamp)), "until": until}


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Of enumerations the words alone."""
    return {name: str(value) if isinstance(value, str) else value for name, value in fields.items()}


def save(
    policy: ScalingPolicy, *, caller: Caller, names: Collection[str] = RULES, read: str = ""
) -> None:
    """Write a policy that was added or changed, and an event of what changed from what to what.

    Raises ValidationError, by field. Of a policy that is there, only `names` are written, the rules
    that somebody has changed. `read` is the fingerprint of the rules that they changed; raises
    Refused where the policy has others by now.

    Two people change a policy at once: the second waits for the row, keeps the rules that only the
    first has changed, and is refused where the two together are no policy, or where its own were
    made from other rules. A turn that writes its own columns meanwhile loses nothing.
    """
    with transaction.atomic():
        before = ScalingPolicy.objects.select_for_update().filter(pk=policy.pk).first()
        if before:
            _refuse_others(before, read)
            for name in RULES:
                if name not in names:
                    setattr(policy, name, getattr(before, name))
        check(policy)
        policy.validate_unique()
        policy.validate_constraints()
        _write(before, policy, caller)


def _write(before: ScalingPolicy | None, policy: ScalingPolicy, caller: Caller) -> None:
    if before is None:
        _add(policy)
        Event.objects.record("policy.changed", policy, caller, change="added", to=_rules(policy))
    elif changed := _differences(before, policy):
        policy.save(update_fields=[*changed, "changed_at"])
        sides = _sides(changed)
        Event.objects.record("policy.changed", policy, caller, change="changed", **sides)


def fingerprint(policy: ScalingPolicy) -> str:
    """Which rules these are, but for the dry run, which has a page of its own."""
    rules = {name: value for name, value in _rules(policy).items() if name != "dry_run"}
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16]


def _refuse_others(policy: ScalingPolicy, read: str) -> None:
    """Raise Refused where the policy's rules are not those that were read."""
    if read and read != fingerprint(policy):
        raise Refused(
            _(
                "Somebody has changed these rules since you opened them. Nothing was saved: open"
                " them anew, and enter your change once more."
            )
        )


def _add(policy: ScalingPolicy) -> None:
    """Two people add one for a service at once: the second's row waits for the first's commit, and
    is then refused as if it had come later.
    """
    try:
        with transaction.atomic():
            policy.save(force_insert=True)
    except IntegrityError:
        policy.validate_constraints()
        raise


def remove(policy: ScalingPolicy, *, caller: Caller) -> None:
    """Delete a policy with its decisions; its event keeps the rules, and samples stay.

    Raises Busy while a change is being done, whose end nobody would see. The race: a turn decides
    in this moment. 1. It locks the policy's row first, and the change that it writes is seen here;
    or 2. the row is locked here first, and the turn finds no policy and writes nothing.
    """
    with transaction.atomic():
        row = ScalingPolicy.objects.select_for_update().filter(pk=policy.pk).first()
        if row is None:
            return
        if row.decisions.doing().filter(at__gt=now() - GIVEN_UP).exists():
            raise Busy(_("a change of %s is being done; wait for its end") % row)
        gone: dict[str, Any] = {"service": row.service, "from": _rules(row)}
        Event.objects.record("policy.changed", row, caller, change="removed", **gone)
        row.delete()


def _rules(policy: ScalingPolicy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in RULES}


def _differences(before: ScalingPolicy, after: ScalingPolicy) -> dict[str, tuple[Any, Any]]:
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in RULES}
    return {name: (old, new) for name, (old, new) in pairs.items() if old != new}


def _sides(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    return {
        "from": {name: old for name, (old, _new) in changed.items()},
        "to": {name: new for name, (_old, new) in changed.items()},
    }


def _metric(fields: Mapping[str, Any]) -> Metric:
    fallback = fields.get("fallback")
    return Metric(
        Kind(fields["kind"]),
        float(fields["target"]),
        Basis(fields["basis"]),
        fields.get("query", ""),
        Fallback(**fallback) if fallback else None,
    )


def _rate(fields: Mapping[str, Any]) -> Rate:
    return Rate(Unit(fields["unit"]), fields["value"], fields["seconds"])

"""Policies and decisions as their pages write them, from the words of opsconsole.scaling.words."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.admin import states, words
from opsconsole.models import ScalingDecision
from opsconsole.scaling import troubles
from opsconsole.scaling import words as decided
from opsconsole.scaling.shapes import Basis, Kind, Unit

Document = Mapping[str, Any]
metric, amount = decided.metric_name, decided.amount


def key(metric: Document) -> str:
    """The key of a metric of a policy, by which samples and decisions name it."""
    kind = str(metric.get("kind", ""))
    return f"{kind}:{metric.get('query', '')}" if kind == Kind.QUERY else kind


def target(key: str, target: float, basis: str) -> str:
    """The target of a metric, with what it counts for."""
    text = amount(key, target)
    if basis == Basis.TOTAL:
        return _("%(amount)s for each replica") % {"amount": text}
    return _("at most %(amount)s") % {"amount": text}


def seconds(number: int) -> str:
    """A time of a policy; none is `at once`."""
    return words.duration(float(number)) if number else _("at once")


def rates(rows: Iterable[Document]) -> str:
    """Several rates, of which the one that allows more holds."""
    return _(" or ").join(map(_rate, rows))


def _rate(rate: Document) -> str:
    parts = {"value": rate["value"], "time": words.duration(float(rate["seconds"]))}
    if rate["unit"] == Unit.PERCENT:
        return _("%(value)s%% within %(time)s") % parts
    return _("%(value)s replicas within %(time)s") % parts


def sentences(decision: ScalingDecision) -> list[str]:
    """The decision in words, from what was seen to what was done."""
    return decided.sentences(decision.document())


def reason(decision: ScalingDecision) -> str:
    """Why, in one sentence."""
    return decided.reason(decision.document())


def load(seen: Document) -> Document:
    """What a decision saw of a metric, for a table."""
    key = str(seen["key"])
    return {
        "name": metric(key),
        "value": amount(key, seen.get("value")),
        "target": target(key, seen["target"], seen["basis"]),
        "wants": seen.get("wants"),
        "trouble": troubles.in_words(str(seen.get("trouble") or "")),
    }


def clamp(clamp: Document) -> Document:
    """A rule that changed the number, for a table."""
    name, until = decided.rule_name(clamp["rule"]), states.when(clamp.get("until"))
    return {**clamp, "name": name, "until": until}


def numbers(decision: ScalingDecision) -> str:
    """Such as `2 → 3`; one number where nothing is changed."""
    if decision.current == decision.desired:
        return str(decision.current)
    return f"{decision.current} → {decision.desired}"

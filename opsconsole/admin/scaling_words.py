"""What people call metrics, and how they read their values."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.admin import states, words
from opsconsole.models import ScalingDecision
from opsconsole.scaling.shapes import Basis, Kind, Rule

Document = Mapping[str, Any]


def kind_of(key: str) -> str:
    """The kind of a metric by its key, which is that of Prometheus' with the expression."""
    return key.partition(":")[0]


def metric(key: str) -> str:
    """The metric's name; one of Prometheus by its expression."""
    kind, _colon, query = key.partition(":")
    if kind == Kind.QUERY and query:
        return query
    return kinds().get(kind, key)


def kinds() -> dict[str, str]:
    """What can be measured, by kind."""
    return {
        Kind.CPU: _("CPU"),
        Kind.WAITING: _("waiting answers"),
        Kind.OLDEST: _("age of the oldest waiting answer"),
        Kind.REQUESTS: _("requests a second"),
        Kind.LATENCY: _("response time of the slowest 5%"),
        Kind.QUERY: _("Prometheus expression"),
    }


def amount(key: str, value: float | None) -> str:
    """A value with its unit; a dash for one that is not known."""
    if value is None:
        return words.NOTHING
    kind = kind_of(key)
    if kind == Kind.CPU:
        return f"{number(value * 100)}%"
    if kind == Kind.OLDEST:
        return words.duration(value)
    if kind == Kind.LATENCY:
        return _("%(number)s ms") % {"number": number(value)}
    if kind == Kind.REQUESTS:
        return _("%(number)s/s") % {"number": number(value)}
    return number(value)


def number(value: float) -> str:
    """Three digits of it, none of them a zero after the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def target(metric: Document) -> str:
    """The target of a metric of a policy, with what it counts for."""
    value = metric.get("target")
    text = amount(str(metric.get("kind", "")), value if isinstance(value, int | float) else None)
    if metric.get("basis") == Basis.TOTAL:
        return _("%(amount)s for each replica") % {"amount": text}
    return _("at most %(amount)s") % {"amount": text}


def seconds(number: int) -> str:
    """A time of a policy; none is `at once`."""
    return words.duration(float(number)) if number else _("at once")


def rate(rate: Document) -> str:
    """A rate of a policy, such as `4 replicas within 15 s`."""
    value, seconds = rate.get("value", 0), words.duration(float(rate.get("seconds", 0)))
    if rate.get("unit") == "percent":
        return _("%(value)s%% within %(time)s") % {"value": value, "time": seconds}
    return _("%(value)s replicas within %(time)s") % {"value": value, "time": seconds}


def rates(rows: Any) -> str:
    """Several rates; the one that allows more holds."""
    return _(" or ").join(rate(row) for row in rows) or _("as fast as wanted")


def key(metric: Document) -> str:
    """The key of a metric of a policy, by which samples and decisions name it."""
    kind = str(metric.get("kind", ""))
    return f"{kind}:{metric.get('query', '')}" if kind == Kind.QUERY else kind


def sentences(decision: ScalingDecision) -> list[str]:
    """The decision in words."""
    return [reason(decision)]


def reason(decision: ScalingDecision) -> str:
    """Why, in one sentence."""
    return decision.because or str(decision.get_action_display())


def numbers(decision: ScalingDecision) -> str:
    """Such as `2 → 3`; one number where nothing is changed."""
    if decision.current == decision.desired:
        return str(decision.current)
    return f"{decision.current} → {decision.desired}"


def clamp(clamp: Document) -> Document:
    """A rule that changed the number, as a row of a table."""
    return {
        **clamp,
        "name": rules().get(clamp["rule"], clamp["rule"]),
        "until": states.when(clamp.get("until")),
    }


def rules() -> dict[str, str]:
    """What the rules are called."""
    return {
        Rule.TOLERANCE: _("within the tolerance"),
        Rule.MISSING: _("a metric is missing"),
        Rule.FALLBACK: _("replicas for want of data"),
        Rule.LEAST: _("least replicas"),
        Rule.MOST: _("most replicas"),
        Rule.UP_WINDOW: _("more only after a time"),
        Rule.DOWN_WINDOW: _("fewer only after a time"),
        Rule.UP_RATE: _("rate upwards"),
        Rule.DOWN_RATE: _("rate downwards"),
        Rule.CALENDAR: _("exam window"),
        Rule.DEPLOYING: _("a deployment is under way"),
        Rule.COOLDOWN: _("cooldown"),
        Rule.BY_HAND: _("set by hand"),
        Rule.PAUSED: _("paused"),
        Rule.MEMORY: _("free memory"),
        Rule.CONNECTIONS: _("free connections to the database"),
        Rule.SATURATED: _("the service behind it has no room"),
    }

"""Which rows of ScalingPolicy are policies: every trouble by its field. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeGuard

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from opsconsole.environments import bounds
from opsconsole.models import ScalingPolicy
from opsconsole.scaling.shapes import Basis, Behaviour, Kind, Unit

BASES: Mapping[Kind, frozenset[Basis]] = {
    Kind.CPU: frozenset({Basis.AVERAGE}),
    Kind.WAITING: frozenset({Basis.TOTAL}),
    Kind.OLDEST: frozenset({Basis.AVERAGE}),
    Kind.REQUESTS: frozenset({Basis.TOTAL}),
    Kind.LATENCY: frozenset({Basis.AVERAGE}),
    Kind.QUERY: frozenset(Basis),
}
"""What the value of each kind is; of an expression the policy has to say it."""
LEAST_CPU = 0.1
"""Utilisation counts whole percent, and so a target of few percent would be a coarse one."""
LONGEST = 86_400
"""Seconds of a window, a warm-up, a cooldown and a rate."""
LONGEST_QUERY = 2_000
MOST_METRICS, MOST_RATES = 10, 5
MOST_VALUE = 1_000
"""Of a rate."""
MOST_AFTER = 1_000
"""Of a fallback."""
BEYOND = 1e15
"""No target is so large; what is not finite is not below it."""
Troubles = Iterator[str]


def check(row: ScalingPolicy) -> None:
    """Raise ValidationError, by field, where the row is no policy that may decide."""
    checks: dict[str, Callable[[ScalingPolicy], Troubles]] = {
        "service": _of_service,
        "least": _of_least,
        "most": _of_most,
        "metrics": _of_metrics,
        "tolerance": _of_tolerance,
        "behaviour": _of_behaviour,
        "up_rates": lambda row: _of_rates(row.up_rates, MOST_VALUE),
        "down_rates": lambda row: _of_rates(row.down_rates, 100),
    }
    troubles = {name: list(of(row)) for name, of in checks.items()}
    for name in ("up_window", "down_window", "warm_up", "cooldown"):
        troubles[name] = list(_of_whole(getattr(row, name), 0, LONGEST))
    if any(troubles.values()):
        raise ValidationError({name: words for name, words in troubles.items() if words})


def _bound(row: ScalingPolicy) -> int:
    """The most replicas that its service may have where it runs."""
    return bounds.most(row.service, row.environment.engine if row.environment_id else "")


def _of_service(row: ScalingPolicy) -> Troubles:
    if _bound(row) < 2:
        yield _("%s runs once: there is nothing to scale.") % row.service


def _of_least(row: ScalingPolicy) -> Troubles:
    return _of_whole(row.least, 1, _bound(row))


def _of_most(row: ScalingPolicy) -> Troubles:
    yield from _of_whole(row.most, 1, _bound(row))
    if _is_whole(row.least) and _is_whole(row.most) and row.most < row.least:
        yield _("The most must not be less than the least.")


def _of_tolerance(row: ScalingPolicy) -> Troubles:
    if not _is_number(row.tolerance) or not 0 <= row.tolerance <= 0.9:
        yield _("Enter a number from 0 to 0.9.")


def _of_behaviour(row: ScalingPolicy) -> Troubles:
    if row.behaviour not in set(Behaviour):
        yield _("There is no such form.")


def _of_length(rows: list[object], most: int) -> Troubles:
    if len(rows) > most:
        yield _("Enter at most %d.") % most


def _of_whole(value: object, least: int, most: int) -> Troubles:
    if not _is_whole(value) or not least <= value <= most:
        yield _("Enter a whole number from %(least)d to %(most)d.") % {"least": least, "most": most}


def _of_metrics(row: ScalingPolicy) -> Troubles:
    metrics = row.metrics
    if not isinstance(metrics, list) or not metrics:
        yield _("Choose at least one metric.")
        return
    yield from _of_length(metrics, MOST_METRICS)
    for number, metric in enumerate(metrics, start=1):
        for trouble in _of_metric(metric, row):
            yield _("Metric %(number)d: %(trouble)s") % {"number": number, "trouble": trouble}
    keys = [(each.get("kind"), each.get("query")) for each in metrics if isinstance(each, dict)]
    if len(keys) > len({str(key) for key in keys}):
        yield _("A metric is there twice.")


def _of_metric(metric: object, row: ScalingPolicy) -> Troubles:
    if not isinstance(metric, dict):
        yield _("it must have a kind, a target and a basis.")
        return
    yield from _unknown(metric, {"kind", "target", "basis", "query", "fallback"})
    if metric.get("kind") not in set(Kind):
        yield _("there is no such kind.")
        return
    kind = Kind(metric["kind"])
    if kind is Kind.CPU and row.service == "inference":
        yield _("the inference service is not scaled on CPU, which says nothing of its load.")
    yield from _of_target(kind, metric.get("target"))
    yield from _of_basis(kind, metric.get("basis"))
    yield from _of_query(kind, metric.get("query", ""))
    yield from _of_fallback(metric.get("fallback"), row)


def _of_target(kind: Kind, target: object) -> Troubles:
    if not _is_number(target) or target <= 0:
        yield _("the target must be a number above 0.")
    elif kind is Kind.CPU and not LEAST_CPU <= target <= 1:
        words = {"least": LEAST_CPU}
        yield _("the target is a share of the limit, from %(least)s to 1.") % words


def _of_basis(kind: Kind, basis: object) -> Troubles:
    if basis not in BASES[kind]:
        allowed = " / ".join(sorted(BASES[kind]))
        yield _("the basis of %(kind)s is %(allowed)s.") % {"kind": kind, "allowed": allowed}


def _of_query(kind: Kind, query: object) -> Troubles:
    if not isinstance(query, str) or len(query) > LONGEST_QUERY:
        yield _("the expression must be a text of at most %d characters.") % LONGEST_QUERY
    elif kind is Kind.QUERY and not query.strip():
        yield _("enter an expression of Prometheus.")
    elif kind is not Kind.QUERY and query:
        yield _("only the kind query has an expression.")


def _of_fallback(fallback: object, row: ScalingPolicy) -> Troubles:
    if fallback is None:
        return
    if not isinstance(fallback, dict) or set(fallback) != {"after", "replicas"}:
        yield _("a fallback has the members after and replicas.")
        return
    yield from (f"after: {words}" for words in _of_whole(fallback["after"], 0, MOST_AFTER))
    most = row.most if _is_whole(row.most) else _bound(row)
    yield from (f"replicas: {words}" for words in _of_whole(fallback["replicas"], 1, most))


def _of_rates(rates: object, most_percent: int) -> Troubles:
    if not isinstance(rates, list):
        yield _("Rates are a list.")
        return
    yield from _of_length(rates, MOST_RATES)
    for number, rate in enumerate(rates, start=1):
        for trouble in _of_rate(rate, most_percent):
            yield _("Rate %(number)d: %(trouble)s") % {"number": number, "trouble": trouble}


def _of_rate(rate: object, most_percent: int) -> Troubles:
    if not isinstance(rate, dict) or set(rate) != {"unit", "value", "seconds"}:
        yield _("it has the members unit, value and seconds.")
        return
    if rate["unit"] not in set(Unit):
        yield _("there is no such unit.")
    most = most_percent if rate["unit"] == Unit.PERCENT else MOST_VALUE
    yield from (f"value: {words}" for words in _of_whole(rate["value"], 1, most))
    yield from (f"seconds: {words}" for words in _of_whole(rate["seconds"], 1, LONGEST))


def _unknown(fields: Mapping[str, object], known: set[str]) -> Troubles:
    for name in sorted(set(fields) - known):
        yield _("it has no %s.") % name


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < BEYOND

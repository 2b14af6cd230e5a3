"""A decision in words, in the active language and the active time zone.

A decision is given as the document that ScalingDecision.document() makes of a row, or
policies.document_of of a decision: codes and numbers.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsconsole.scaling import troubles
from opsconsole.scaling.shapes import Action, Basis, Kind, Rule

Document = Mapping[str, Any]


def sentences(document: Document) -> list[str]:
    """What was seen, what it wants, which rules bound that, and what is done: in this order."""
    return [
        *(of_input(each) for each in document["inputs"]),
        *_of_wish(document),
        *(of_clamp(each, document["at"]) for each in document["clamps"]),
        of_end(document),
    ]


def reason(document: Document) -> str:
    """Why it was decided so, in a sentence: the rule that decided, or else the metric that did."""
    deciding = [each for each in document["clamps"] if each["rule"] == document["because"]]
    if deciding:
        return of_clamp(deciding[-1], document["at"])
    known = [each for each in document["inputs"] if each["wants"] is not None]
    if document["action"] == Action.HOLD or not known:
        return str(document.get("says") or of_end(document))
    return of_input(max(known, key=lambda each: int(each["wants"])))


def hold(document: Document) -> str:
    """Why it holds: the metrics that are not known, each with its trouble, and the rule."""
    unknown = [each for each in document["inputs"] if each["wants"] is None]
    return " ".join([*map(of_input, unknown), reason(document)])


def kind_name(kind: str) -> str:
    """What a kind of metric is called; the kind itself, where a later version recorded it."""
    names = {
        Kind.CPU: _("CPU"),
        Kind.WAITING: _("waiting answers"),
        Kind.OLDEST: _("age of the oldest waiting answer"),
        Kind.REQUESTS: _("requests a second"),
        Kind.LATENCY: _("response time (95th percentile)"),
        Kind.QUERY: _("Prometheus expression"),
    }
    return {str(key): name for key, name in names.items()}.get(kind, kind)


def metric_name(key: str) -> str:
    """What the metric of a key is called; of an expression, the expression."""
    kind, _colon, query = key.partition(":")
    return query if kind == Kind.QUERY and query else kind_name(kind)


def action_name(action: str) -> str:
    """What an action is called."""
    names = {
        Action.UP: _("more replicas"),
        Action.DOWN: _("fewer replicas"),
        Action.STAY: _("no change"),
        Action.HOLD: pgettext("scaling", "held"),
    }
    return {str(key): name for key, name in names.items()}.get(action, action)


def rule_name(rule: str) -> str:
    """What a rule is called."""
    names = {
        Rule.TOLERANCE: _("tolerance"),
        Rule.MISSING: _("missing metric"),
        Rule.FALLBACK: _("fallback"),
        Rule.LEAST: _("least replicas"),
        Rule.MOST: _("most replicas"),
        Rule.UP_WINDOW: _("window upwards"),
        Rule.DOWN_WINDOW: _("window downwards"),
        Rule.UP_RATE: _("rate upwards"),
        Rule.DOWN_RATE: _("rate downwards"),
        Rule.CALENDAR: _("exam window"),
        Rule.DEPLOYING: _("deployment under way"),
        Rule.COOLDOWN: _("cooldown"),
        Rule.BY_HAND: _("set by hand"),
        Rule.PAUSED: _("paused"),
        Rule.MEMORY: _("free memory"),
        Rule.CONNECTIONS: _("free database connections"),
        Rule.SATURATED: _("saturated downstream"),
    }
    return {str(key): name for key, name in names.items()}.get(rule, rule)


def amount(key: str, value: float | None) -> str:
    """A value of the metric of that key with its unit; a dash for one that is not known."""
    if value is None:
        return "–"
    kind, _colon, _query = key.partition(":")
    if kind == Kind.CPU:
        return f"{digits(value * 100)}%"
    units = {
        str(Kind.OLDEST): _("%s s"),
        str(Kind.REQUESTS): _("%s/s"),
        str(Kind.LATENCY): _("%s ms"),
    }
    return units.get(kind, "%s") % digits(value)


def digits(value: float) -> str:
    """Three digits, and no fraction of what has as many before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def of_input(seen: Document) -> str:
    """What was measured, the target, and the number of replicas that follows."""
    key = str(seen["key"])
    words = {
        "metric": metric_name(key),
        "value": amount(key, seen["value"]),
        "target": amount(key, seen["target"]),
        "wants": seen["wants"],
        "trouble": troubles.in_words(seen["trouble"]),
    }
    if seen["wants"] is None:
        return _("%(metric)s: not known, because %(trouble)s.") % words
    if seen["basis"] == Basis.TOTAL:
        return _("%(metric)s: %(value)s, target %(target)s a replica; wants %(wants)d.") % words
    return _("%(metric)s: %(value)s, target %(target)s; wants %(wants)d.") % words


def _of_wish(document: Document) -> list[str]:
    if not document["inputs"]:
        return []
    words = {"wanted": document["recommended"], "current": document["current"]}
    return [_("The metrics want %(wanted)d; now: %(current)d.") % words]


def of_clamp(clamp: Document, at: datetime | str) -> str:
    """What the rule did to the number, and until when, where that is known."""
    words = {name: clamp[name] for name in ("before", "after")} | {"says": clamp.get("says", "")}
    sentence = _rules(str(clamp["rule"]), changes=clamp["before"] != clamp["after"]) % words
    if not clamp.get("until"):
        return sentence
    return _("%(sentence)s Until %(time)s.") % {
        "sentence": sentence,
        "time": clock(clamp["until"], at),
    }


def _rules(rule: str, *, changes: bool) -> str:
    if rule == Rule.MISSING and not changes:
        return _("A metric is missing: stays at %(after)d.")
    texts = {
        Rule.TOLERANCE: _("Within the tolerance: %(after)d, not %(before)d."),
        Rule.MISSING: _("While a metric is missing nothing is lowered: %(after)d, not %(before)d."),
        Rule.FALLBACK: _("For want of data the fallback holds: at least %(after)d."),
        Rule.LEAST: _("The least is %(after)d."),
        Rule.MOST: _("The most is %(after)d; %(before)d would be wanted."),
        Rule.UP_WINDOW: _("The lowest recommendation of the window upwards holds: %(after)d."),
        Rule.DOWN_WINDOW: _("The highest recommendation of the window downwards holds: %(after)d."),
        Rule.UP_RATE: _("The rate upwards allows %(after)d of %(before)d."),
        Rule.DOWN_RATE: _("The rate downwards allows %(after)d, not yet %(before)d."),
        Rule.CALENDAR: _("The exam window “%(says)s” wants at least %(after)d."),
        Rule.DEPLOYING: _("A deployment is under way: nothing is changed."),
        Rule.COOLDOWN: _("Cooldown after a deployment or a change by hand: stays at %(after)d."),
        Rule.BY_HAND: _("Set by hand: stays at %(after)d."),
        Rule.PAUSED: _("Paused: stays at %(after)d."),
        Rule.MEMORY: _("The free memory suffices for %(after)d, not for %(before)d."),
        Rule.CONNECTIONS: _(
            "The free connections of the database suffice for %(after)d, not for %(before)d."
        ),
        Rule.SATURATED: _("%(says)s has no room, so more would not help: %(after)d."),
    }
    known = {str(key): text for key, text in texts.items()}
    return known.get(rule, f"{rule.replace('%', '%%')}: %(before)d → %(after)d.")


def of_end(document: Document) -> str:
    """What is done, or was, or why it was not."""
    words = {
        "before": document["current"],
        "after": document["desired"],
        "came": document.get("came"),
        "says": document.get("says", ""),
    }
    if document["action"] == Action.STAY:
        return _("Nothing is to be changed: %(after)d.") % words
    if document["action"] == Action.HOLD:
        return _("Held at %(after)d.") % words
    return _ends(str(document.get("outcome", "")), came=words["came"] is not None) % words


def _ends(outcome: str, *, came: bool) -> str:
    if outcome == "short" and not came:
        outcome = "short_of_some"
    if outcome == "changed" and came:
        outcome = "changed_since"
    texts = {
        "": _("From %(before)d to %(after)d."),
        "dry_run": _("Not done, because of the dry run: from %(before)d to %(after)d."),
        "paused": _("Not done, because the policy is paused: from %(before)d to %(after)d."),
        "busy": _("Not done, because the last change is still under way."),
        "changed": _("Not done, because somebody changed the number meanwhile."),
        "changed_since": _(
            "From %(before)d to %(after)d, and changed by somebody before that was seen to be done."
        ),
        "late": _("Not done, because nobody took it up in time."),
        "doing": _("Being done: from %(before)d to %(after)d."),
        "done": _("Done: from %(before)d to %(after)d."),
        "short": _("Asked for %(after)d, but only %(came)d became ready."),
        "short_of_some": _("Asked for %(after)d, but fewer became ready."),
        "failed": _("From %(before)d to %(after)d failed: %(says)s"),
    }
    return texts.get(outcome, texts[""])


def clock(time: datetime | str, near: datetime | str) -> str:
    """The time of day in the active zone, with the date where it is another day than `near`."""
    here, there = localtime(_moment(time)), localtime(_moment(near))
    if here.date() == there.date():
        return f"{here:%H:%M:%S}"
    return f"{here:%Y-%m-%d %H:%M}"


def _moment(time: datetime | str) -> datetime:
    """Raises ValueError for a text that is no time."""
    moment = parse_datetime(time) if isinstance(time, str) else time
    if moment is None:
        raise ValueError(f"{time!r} is no time")
    return moment

"""Requests a second and their 95th percentile, as HAProxy counts and logs them.

Its counters are read over the network, so those of the running installation alone; its lines are
read through the engine, wherever the environment is. The exporter has averages, and no percentile.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.conf import settings

from opsconsole.engines import traffic
from opsconsole.engines.base import EngineError, State
from opsconsole.gateways import haproxy
from opsconsole.scaling.looks import Look, rate
from opsconsole.scaling.readings import missing
from opsconsole.scaling.shapes import Kind, Reading, Sample
from opsconsole.scaling.troubles import Trouble

BALANCER, SERVED = "haproxy", "web"
WINDOW = timedelta(seconds=60)
"""The lines that are looked at: in 15 seconds may be too few for a percentile."""
MOST_LINES = 5000
"""The newest ones are enough for a percentile; an engine gives no more at once."""
SHARE = 0.95
KEY = "haproxy "
"""How the totals begin that are HAProxy's, with the address after it."""
Totals = dict[str, Sequence[float]]


def readings(seen: Look, service: str, before: Sample | None) -> tuple[dict[str, Reading], Totals]:
    """Of the service behind HAProxy; none of all others. With the totals for the next sample."""
    if service != SERVED:
        return {}, {}
    if BALANCER not in seen.services:
        away = missing(Trouble.NO_HAPROXY)
        return {str(Kind.REQUESTS): away, str(Kind.LATENCY): away}, {}
    lines = _lines(seen)
    requests, totals = _requests(seen, lines, before)
    return {str(Kind.REQUESTS): requests, str(Kind.LATENCY): _latency(lines, requests)}, totals


def _requests(
    seen: Look, lines: list[traffic.Request] | Reading, before: Sample | None
) -> tuple[Reading, Totals]:
    if not (seen.environment.is_here and settings.HAPROXY_URL):
        return _from_lines(lines), {}
    try:
        counted = haproxy.requests(settings.HAPROXY_URL)
    except haproxy.HaproxyError as error:
        return missing(error.recorded), {}
    totals = {KEY + address: seen.counted(count) for address, count in counted.items()}
    return _since(totals, before), dict(totals)


def _since(counted: Mapping[str, Sequence[float]], before: Sample | None) -> Reading:
    """A second, since the sample before."""
    if before is None:
        return missing(Trouble.FIRST_REQUESTS)
    then = {key: total for key, total in before.totals.items() if key.startswith(KEY)}
    if counted.keys() != then.keys() or any(counted[key][0] < then[key][0] for key in then):
        return missing(Trouble.COUNTED_ANEW)
    return Reading(round(sum(rate(counted[key], then[key]) for key in then), 3))


def _from_lines(lines: list[traffic.Request] | Reading) -> Reading:
    if isinstance(lines, Reading):
        return lines
    if len(lines) >= MOST_LINES:
        return missing(Trouble.TOO_MANY_LINES)
    return Reading(round(len(lines) / WINDOW.total_seconds(), 3))


def _latency(lines: list[traffic.Request] | Reading, requests: Reading) -> Reading:
    """The time of the request below which 95 of 100 are (nearest rank), in milliseconds.

    Where there was no request at all nobody has waited: that is known, and is 0.
    """
    if isinstance(lines, Reading):
        return lines
    if times := sorted(one.milliseconds for one in lines if not one.by_client):
        return Reading(float(times[math.ceil(SHARE * len(times)) - 1]))
    if requests.value == 0:
        return Reading(0.0)
    return missing(Trouble.NOTHING_LOGGED)


def _lines(seen: Look) -> list[traffic.Request] | Reading:
    """The newest requests of the last minute, or why there are none to read."""
    replicas = [one for one in seen.services[BALANCER].replicas if one.state is State.RUNNING]
    if not replicas:
        return missing(Trouble.HAPROXY_STOPPED)
    try:
        texts = [
            text
            for replica in replicas
            for at, text in seen.engine.logs(replica.id, tail=MOST_LINES, since=seen.at - WINDOW)
        ]
    except EngineError as error:
        return missing(str(error))
    return list(traffic.requests(texts))

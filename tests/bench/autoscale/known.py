"""Queues whose figures are known, in the simulator."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.bench.autoscale.arrivals import Rates, Times, poisson, works
from tests.bench.autoscale.erlang import probability_of_waiting
from tests.bench.autoscale.rivals import Fixed, OnOff
from tests.bench.autoscale.service import Control, Outcome, Service, Spec

Row = dict[str, Any]
LOAD = 25.0
SETUP, MEAN, SWING, PERIOD = 200.0, 60.0, 30.0, 21_600.0
"""Of Gandhi, Gupta, Harchol-Balter and Kozuch: seconds, and a load that swings in six hours."""
BUSY, IDLE = 0.24, 0.15
"""Kilowatts of a server that works or starts, and of one that waits for work."""
KEPT = SETUP * BUSY / IDLE
"""As long as an idle server costs what a start costs."""
PUBLISHED = {"no set-up": (1.0, 14.4), "delayed off": (1.002, 18.9), "on/off": (13.0, 51.9)}


def erlang(seconds: float = 8000.0) -> Iterator[Row]:
    """The share that waits at a load of 25."""
    for servers in (28, 30, 35):
        spec = Spec(slots=1, startup=0.0, least=servers, most=servers, late_after=2.0)
        outcome = _run(spec, lambda at: np.full_like(at, LOAD), LOAD, seconds, Fixed(servers), 0)
        yield {
            "name": f"Erlang C, {servers} servers",
            "waited": round(outcome.waited / outcome.arrived, 3),
            "known": round(probability_of_waiting(LOAD, servers), 3),
        }


def servers_that_start(seconds: float = PERIOD) -> Iterator[Row]:
    """Response and power where servers are switched on for each job and off again."""
    spec = Spec(slots=1, startup=SETUP, least=0, most=10_000, late_after=2.0)
    most = round(MEAN + SWING)
    controls: dict[str, Control] = {
        "no set-up": Fixed(10 * most),
        "delayed off": OnOff(KEPT, begin=most),
        "on/off": OnOff(begin=most),
    }
    for name, control in controls.items():
        begin = 10 * most if name == "no set-up" else most
        outcome = _run(spec, _swinging, MEAN + SWING, seconds, control, begin)
        response, power = PUBLISHED[name]
        yield {
            "name": f"servers that start: {name}",
            "response": round(outcome.response, 3),
            "kilowatts": round(kilowatts(outcome, seconds, idles=name != "no set-up"), 1),
            "known": {"response": response, "kilowatts": power},
        }


def kilowatts(outcome: Outcome, seconds: float, *, idles: bool) -> float:
    """Mean power; without a set-up nothing need stay on without work."""
    working = outcome.busy_hours + outcome.starting_hours
    idle = outcome.replica_hours - working if idles else 0.0
    return (BUSY * working + IDLE * idle) * 3600 / seconds


def _swinging(times: Times) -> Times:
    return MEAN + SWING * np.sin(2 * np.pi * times / PERIOD)


def _run(
    spec: Spec, rates: Rates, most: float, seconds: float, control: Control, begin: int
) -> Outcome:
    draw = np.random.default_rng(1)
    arrivals = poisson(rates, most, seconds, draw)
    seconds_of_work = works(len(arrivals), 1.0, 1.0, draw)
    return Service(spec, arrivals, seconds_of_work, start_with=begin).run(control, seconds)

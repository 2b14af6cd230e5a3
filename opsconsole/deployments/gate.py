"""The gate that new replicas have to pass: pure, over figures of requests.

What is measured of the new ones is compared with the old ones' over the same time, or with what
those did before. Missing figures never pass. The numbers, and their reasons:

* LEAST_REQUESTS 200: with one fault in fifty (MOST_FAULTS) as the limit, four are expected; fewer
  requests would let a version that fails so often pass one time in three.
* MOST_FAULTS 0.02, and TIMES_FAULTS 2 against the old ones': a site that already fails is not made
  worse, and a version that mends it is let in.
* FEW_FAULTS 5: fewer are no rate. Five are judged at once, without waiting for 200 requests, so
  that a version that fails often has failed few callers when it goes.
* TIMES_P95 2, and SLOWER_MS 50: twice as long is seen by people; below 50 ms more it is noise. This
  is not judged of fewer than LEAST_REQUESTS: where one kind of request in ten takes long, three of
  fifty that take longer still are chance. It is a verdict of its own, for it is told at the end of
  the watch alone: what other containers take to start slows a small machine for seconds.
* LEAST_TIMES 50: the p95 of fewer hangs on two requests.
* COLD 10: the first requests of each new replica fill caches and pools, and say nothing of it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.engines.traffic import Request

LEAST_REQUESTS = 200
MOST_FAULTS = 0.02
TIMES_FAULTS = 2.0
FEW_FAULTS = 5
TIMES_P95 = 2.0
SLOWER_MS = 50.0
LEAST_TIMES = 50
COLD = 10


class Verdict(Enum):
    """Whether the figures pass, or do not, or are too few to tell."""

    PASSED = "passed"
    SLOW = "slow"
    FAILED = "failed"
    TOO_FEW = "too few"


@dataclass(frozen=True)
class Figures:
    """Of some replicas; `p95_ms` is None where there were too few requests."""

    requests: int = 0
    failed: int = 0
    p95_ms: float | None = None

    @property
    def faults(self) -> float:
        """The share of requests that failed."""
        return self.failed / self.requests if self.requests else 0.0

    def document(self) -> dict[str, Any]:
        """As it is kept in the row."""
        return asdict(self)


@dataclass(frozen=True)
class Opinion:
    """A verdict with its reason in words."""

    verdict: Verdict
    says: str = ""


def figures(
    requests: Iterable[Request],
    addresses: Iterable[str],
    *,
    cold: int = 0,
    timed_from: int = 0,
    least: int = LEAST_TIMES,
) -> Figures:
    """Of the servers at these addresses.

    The first `cold` requests of each have no time, and neither have those before the index
    `timed_from` of all requests; fewer than `least` times have no p95.
    """
    wanted, seen = set(addresses), dict.fromkeys(addresses, 0)
    count, failed, times = 0, 0, []
    for index, request in enumerate(requests):
        if request.server not in wanted or request.by_client:
            continue
        count += 1
        failed += request.failed
        seen[request.server] += 1
        if seen[request.server] > cold and index >= timed_from:
            times.append(request.milliseconds)
    return Figures(count, failed, p95(times, least))


def p95(milliseconds: Sequence[float], least: int = LEAST_TIMES) -> float | None:
    """The nearest-rank 95th percentile; None for fewer than `least`."""
    if len(milliseconds) < least:
        return None
    return float(sorted(milliseconds)[math.ceil(0.95 * len(milliseconds)) - 1])


def judge(new: Figures, old: Figures) -> Opinion:
    """The new ones by their own figures, and against the old ones'."""
    if opinion := _faults(new, old) or _slower(new, old):
        return opinion
    if new.requests < LEAST_REQUESTS or new.p95_ms is None:
        words = {"seen": new.requests, "wanted": LEAST_REQUESTS}
        return Opinion(Verdict.TOO_FEW, _("%(seen)d of %(wanted)d requests were seen") % words)
    return Opinion(Verdict.PASSED, described(new, old))


def _faults(new: Figures, old: Figures) -> Opinion | None:
    limit = max(MOST_FAULTS, TIMES_FAULTS * old.faults)
    if new.failed < FEW_FAULTS or new.faults <= limit:
        return None
    words = {
        "failed": new.failed, "requests": new.requests,
        "limit": f"{limit:.1%}", "old": f"{old.faults:.1%}",
    }  # fmt: skip
    return Opinion(
        Verdict.FAILED,
        _("%(failed)d of %(requests)d requests to the new version failed; "
          "allowed are %(limit)s, the old one's are %(old)s") % words,
    )  # fmt: skip


def _slower(new: Figures, old: Figures) -> Opinion | None:
    if new.requests < LEAST_REQUESTS or new.p95_ms is None or old.p95_ms is None:
        return None
    if new.p95_ms <= max(TIMES_P95 * old.p95_ms, old.p95_ms + SLOWER_MS):
        return None
    words = {"new": round(new.p95_ms), "old": round(old.p95_ms)}
    return Opinion(
        Verdict.SLOW,
        _("the slowest twentieth of requests takes %(new)d ms, with the old version %(old)d ms")
        % words,
    )


def described(new: Figures, old: Figures) -> str:
    """The figures in words."""
    words = {"requests": new.requests, "failed": new.failed, "new": round(new.p95_ms or 0)}
    text = _("%(requests)d requests, %(failed)d failed, 95 of 100 within %(new)d ms") % words
    if old.p95_ms is None:
        return text
    before = _("before: %d ms") % round(old.p95_ms)
    return f"{text} ({before})"

"""Watching new replicas while they serve: HAProxy's lines, probes, restarts, a canary answer."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.deployments import gate, holding
from opsconsole.deployments.gate import Figures, Verdict
from opsconsole.deployments.lines import Lines, failed_since
from opsconsole.deployments.progress import Progress
from opsconsole.engines.base import Engine, EngineError, Health, Replica, State
from pmscoring.base.hold import FRESH_SECONDS
from pmscoring.base.redaction import redacted

LOOK_SECONDS = 1.0
"""Between two looks at the lines: a version that fails is seen after a few requests."""
FIRST_SECONDS = 20
"""How long the first replica of a service is watched beside the old ones."""
BEFORE = timedelta(minutes=10)
"""How far back the old replicas' figures are taken from, for when they are gone."""
PROBES, AT_ONCE = 250, 25
"""Requests of its own: enough for the gate, in turns that each end well within the lease."""
INSIDE = timedelta(seconds=40)
UNSEEN = timedelta(seconds=2 * FRESH_SECONDS)
"""How long a web process may go on to show the maintenance page after its end."""
PROBE = ("python", "docker/app/probe.py", "requests", str(AT_ONCE))
CANARY = ("python", "manage.py", "canary")
MAINTENANCE = 503
"""What the maintenance page answers, which is shown by then: it says nothing of the old ones."""
SERVED, SCORES = "web", ("worker", "web")


class NotGood(Exception):
    """What is seen of the new replicas, in words; they have to go."""


class Watch:
    """Watches one deployment. `verdict` is what it has seen, as the row keeps it."""

    def __init__(self, engine: Engine, progress: Progress) -> None:
        self.engine, self.progress = engine, progress
        self.verdict: dict[str, Any] = dict(progress.deployment.verdict)

    def before(self, old: Sequence[Replica]) -> None:
        """Keep what the old web replicas do, before the first of them goes."""
        if "before" in self.verdict:
            return
        requests = Lines(self.engine, now() - BEFORE).read()
        if holding.is_wanted(self.progress.deployment):
            requests = [each for each in requests if each.status != MAINTENANCE]
        by_callers = gate.figures(requests, _addresses(old))
        [by_probes] = self._probed(old[0]) if old else [None]
        self.verdict["before"] = {
            "callers": by_callers.document(),
            "probes": by_probes.document() if by_probes else None,
        }
        self.progress.beat(verdict=self.verdict)

    def judge(self, service: str) -> Callable[[Sequence[Replica], Sequence[Replica]], None]:
        """What engine.roll asks of the first new replica of the service; raises NotGood."""

        def look(new: Sequence[Replica], old: Sequence[Replica]) -> None:
            for replica in new:
                self._is_checked(replica)
            if service in SCORES:
                self._canary(new[0])
            # Behind the maintenance page callers and probes get nothing but that.
            if service == SERVED and not self.progress.held:
                seconds = min(settings.SOAK_SECONDS, FIRST_SECONDS)
                self._watch(new, old, seconds, at_once=True)

        return look

    def soak(self, rolled: Sequence[str]) -> None:
        """Watch what serves now for SOAK_SECONDS; raises NotGood, and else keeps the verdict.

        `rolled` are the services whose replicas are all new.
        """
        new = self.replicas(SERVED)
        says = ""
        if new:
            says = self._watch(new, (), settings.SOAK_SECONDS, rolled=rolled)
        for service in SCORES:
            if service in rolled and (replicas := self.replicas(service)):
                self._canary(replicas[0])
        self._no_restarts(rolled)
        self.verdict |= {"ok": True, "says": says}
        self.progress.beat(verdict=self.verdict)

    def failed_requests(self, since: datetime) -> int | None:
        """Requests that failed since then, whoever was to answer; None where nobody can tell."""
        try:
            return failed_since(self.engine, since)
        except EngineError:
            return None

    def _watch(
        self,
        new: Sequence[Replica],
        old: Sequence[Replica],
        seconds: float,
        *,
        at_once: bool = False,
        rolled: Sequence[str] = (SERVED,),
    ) -> str:
        """Judge the callers' requests again and again; with too few of them, those of our own.

        `at_once`: no longer than until the verdict is clear. How long requests take counts only
        from now on: with no old ones beside them, those of the roll would be compared with quieter
        times.
        """
        lines = Lines(self.engine, self._since(new))
        timed_from = 0 if old else len(lines.read())
        passed, waited, opinion = False, 0.0, gate.Opinion(Verdict.TOO_FEW)
        while waited < seconds and not (passed and at_once):
            self.progress.pause(LOOK_SECONDS)
            waited += LOOK_SECONDS
            opinion = self._opinion(new, old, lines, timed_from)
            passed = opinion.verdict is Verdict.PASSED
            self._no_restarts(rolled if not at_once else (), new)
        if opinion.verdict is Verdict.SLOW:
            self._refuse(opinion.says)
        return opinion.says if passed else self._by_probes(new, old)

    def _since(self, new: Sequence[Replica]) -> datetime:
        """From when on requests count: until the maintenance page has ended they get that alone."""
        deployment = self.progress.deployment
        times = [each.started_at for each in new if each.started_at]
        started, entered = min(times, default=now()), deployment.since
        if entered is None or not holding.is_wanted(deployment):
            return started
        return max(started, entered + UNSEEN)

    def _opinion(
        self, new: Sequence[Replica], old: Sequence[Replica], lines: Lines, timed_from: int
    ) -> gate.Opinion:
        requests = lines.read()
        fresh = gate.figures(
            requests,
            _addresses(new),
            cold=gate.COLD,
            timed_from=timed_from,
            least=gate.LEAST_REQUESTS,
        )
        beside = gate.figures(requests, _addresses(old))
        if beside.requests < gate.LEAST_TIMES:
            beside = _figures(self.verdict.get("before", {}).get("callers"))
        self.verdict["callers"] = fresh.document()
        opinion = gate.judge(fresh, beside)
        if opinion.verdict is Verdict.FAILED:
            self._refuse(opinion.says)
        return opinion

    def _by_probes(self, new: Sequence[Replica], old: Sequence[Replica]) -> str:
        """Requests of our own to a new replica, and to an old one, or as it answered before."""
        fresh, *beside = self._probed(new[0], *old[:1])
        if fresh is None:
            raise NotGood(_("it answers no requests from inside its own container"))
        before = _figures(self.verdict.get("before", {}).get("probes"))
        self.verdict["probes"] = fresh.document()
        opinion = gate.judge(fresh, next(iter(beside), None) or before)
        if opinion.verdict is not Verdict.PASSED:
            self._refuse(opinion.says)
        return opinion.says

    def _probed(self, *replicas: Replica) -> list[Figures | None]:
        """Of each; None where the image is too old to know the probe, or does not answer.

        They are asked in turn: what else slows the machine meanwhile then slows all of them.
        """
        turns: list[list[Figures | None]] = [[] for _replica in replicas]
        for _turn in range(PROBES // AT_ONCE):
            for answers, replica in zip(turns, replicas, strict=True):
                self.progress.alive()
                answers.append(self._turn(replica))
        return [_together(answers) for answers in turns]

    def _turn(self, replica: Replica) -> Figures | None:
        finished = self.engine.inside(replica.id, PROBE, timeout=INSIDE)
        try:
            counts = json.loads(finished.output.strip().splitlines()[-1])
            asked = counts["ok"] + counts["failed"]
            return Figures(asked, counts["failed"], float(counts["p95_ms"]))
        except (ValueError, LookupError, TypeError):
            return None

    def _canary(self, replica: Replica) -> None:
        finished = self.engine.inside(replica.id, CANARY, timeout=INSIDE)
        if finished.exit_code:
            says = redacted(finished.output.strip()[-300:])
            self._refuse(_("the canary answer was not scored as it should be: %s") % says)
        self.verdict["canary"] = True

    def _is_checked(self, replica: Replica) -> None:
        if replica.health is Health.NONE:
            self._refuse(_("%s has no health check, so nobody could say whether it works")
                         % replica.service)  # fmt: skip

    def _no_restarts(self, services: Iterable[str], watched: Sequence[Replica] = ()) -> None:
        """Those of these services, and of the watched ones, run, and none of them was restarted."""
        ids = {replica.id for replica in watched}
        for service in self.engine.services():
            for replica in service.replicas:
                if replica.id in ids or service.name in services:
                    self._runs_on(replica)

    def _runs_on(self, replica: Replica) -> None:
        if replica.restarts or replica.state is not State.RUNNING:
            words = {"name": replica.name, "times": replica.restarts, "state": replica.state}
            self._refuse(_("%(name)s is %(state)s, and was restarted %(times)d times") % words)
        if replica.health is Health.UNHEALTHY:
            words = {"name": replica.name, "says": redacted(replica.health_says)[:200]}
            self._refuse(_("%(name)s is unhealthy: %(says)s") % words)

    def _refuse(self, says: str) -> None:
        self.verdict |= {"ok": False, "says": says}
        self.progress.beat(verdict=self.verdict)
        raise NotGood(says)

    def replicas(self, name: str) -> list[Replica]:
        """The running replicas of a service."""
        services = self.engine.services()
        there = [replica for each in services if each.name == name for replica in each.replicas]
        return [replica for replica in there if replica.state is State.RUNNING]


def _addresses(replicas: Iterable[Replica]) -> list[str]:
    return [address for replica in replicas for address in replica.addresses]


def _figures(document: dict[str, Any] | None) -> Figures:
    return Figures(**document) if document else Figures()


def _together(answers: Sequence[Figures | None]) -> Figures | None:
    """Of all turns, with the middle one of their times; None where one has none."""
    turns = [each for each in answers if each is not None]
    if len(turns) < len(answers):
        return None
    times = sorted(each.p95_ms or 0.0 for each in turns)
    asked, failed = sum(each.requests for each in turns), sum(each.failed for each in turns)
    return Figures(asked, failed, times[len(times) // 2])

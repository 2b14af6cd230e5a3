"""Carrying out a decision about one replica: the rows, the restart, the events.

Races, and why each is safe:

1. The healer is killed while it restarts. It has written that it restarts, and when. The next look
   counts that as a restart: it waits for what comes of it, and pauses as after any other.
2. A person stops a replica while it is decided that it is to be restarted. The engine is asked
   again just before, and what has stopped is left alone. Between that answer and the restart lie
   milliseconds; whoever stops a replica in these sees it start, and stops it again.
3. Another healer has restarted the replica since this one looked. The same question to the engine
   shows it starting, or healthy, and it is left alone.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils.translation import gettext as _

from opsconsole.engines.base import Engine, EngineError, Happening, Replica
from opsconsole.healing.decide import Action, Decision, End, sickness_of
from opsconsole.healing.words import seen_of
from opsconsole.models import Caller, Environment, Event, Heal
from pmscoring.base.redaction import redacted

log = logging.getLogger(__name__)
OF_LATE = timedelta(minutes=10)
"""What the engine recorded before says nothing of this sickness."""

GRACE = timedelta(seconds=10)
"""What does not answer its check is not waited for as long as what works: its service's time to end
may be minutes, and it has been given no new work for a while."""


@dataclass(frozen=True)
class CarryOut:
    """What is done in one look at an environment, by whom, at what time."""

    environment: Environment
    engine: Engine
    caller: Caller
    at: datetime

    def open_heals(self, service: str) -> "models.QuerySet[Heal]":
        """Of a service of this environment."""
        return Heal.objects.open().filter(environment=self.environment, service=service)

    def end(self, service: str, name: str, end: End) -> None:
        """Write how the bout of a replica ended; an event, where something had been done."""
        for row in self.open_heals(service).filter(name=name):
            with transaction.atomic():
                Heal.objects.open().filter(pk=row.pk).update(outcome=end.value, ended_at=self.at)
                if row.did != Heal.Did.WATCHED and end in (End.RECOVERED, End.GIVEN_UP):
                    self._record("heal.recovered", row)

    def about(self, decision: Decision) -> str:
        """Do it; returns what was done, in words."""
        row = self._row_of(decision)
        if decision.action == Action.RESTART:
            return self._restart(row, decision)
        if decision.action == Action.GIVE_UP:
            self._give_up(row, decision)
        return decision.because

    def _row_of(self, decision: Decision) -> Heal:
        replica = decision.replica
        row, _is_new = self.open_heals(replica.service).get_or_create(
            name=replica.name,
            defaults={
                "environment": self.environment,
                "service": replica.service,
                "replica": replica.id[:100],
                "sickness": decision.sickness.value,
                "seen": seen_of(decision),
                "restarts": replica.restarts,
                "at": self.at,
            },
        )
        return row

    def _restart(self, row: Heal, decision: Decision) -> str:
        if not self._is_still_sick(decision.replica):
            return _("left alone: it has changed in the meantime")
        seen = seen_of(decision, self._happenings(decision.replica))
        _write(row, did=Heal.Did.RESTARTING, did_at=self.at, seen=seen)
        try:
            self.engine.restart(decision.replica.id, grace=GRACE)
        except EngineError as error:
            return self._failed(row, redacted(str(error)))
        with transaction.atomic():
            _write(row, did=Heal.Did.RESTARTED)
            self._record("heal.restarted", row, did=_("restarted"), why=decision.because)
        return _("restarted")

    def _is_still_sick(self, replica: Replica) -> bool:
        there = [
            seen
            for service in self.engine.services()
            for seen in service.replicas
            if seen.id == replica.id
        ]
        return any(sickness_of(seen, self.at) == sickness_of(replica, self.at) for seen in there)

    def _failed(self, row: Heal, reason: str) -> str:
        with transaction.atomic():
            _write(row, outcome=Heal.Outcome.FAILED, ended_at=self.at)
            self._record("heal.failed", row, result="failed", reason=reason)
        return _("the restart failed: %s") % reason

    def _give_up(self, row: Heal, decision: Decision) -> None:
        seen = seen_of(decision, self._happenings(decision.replica))
        with transaction.atomic():
            _write(
                row,
                did=Heal.Did.GAVE_UP,
                did_at=self.at,
                outcome=Heal.Outcome.GIVEN_UP,
                seen=seen,
            )
            self._record("heal.given_up", row, result="failed", reason=decision.because)

    def _happenings(self, replica: Replica) -> list[Happening]:
        """The engine's own words on it; without them the rest is told all the same."""
        try:
            return self.engine.happenings(self.at - OF_LATE, self.at)
        except EngineError as error:
            log.warning("what the engine recorded cannot be read: %s", error)
            return []

    def _record(self, deed: str, row: Heal, *, result: str = "ok", **details: str) -> None:
        row.refresh_from_db()
        about = {"service": row.service, "replica": row.name, "seen": row.seen}
        Event.objects.record(deed, self.environment, self.caller, result=result, **about, **details)
        log.warning("%s: %s: %s", deed, row.name, details.get("reason") or row.seen)


def _write(row: Heal, **columns: object) -> None:
    """While the bout is open."""
    Heal.objects.open().filter(pk=row.pk).update(**columns)

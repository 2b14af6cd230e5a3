"""Events: who did what, when, from where, on which object, with what result. Never changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.db import models, transaction
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from opsconsole.models.chain import Chain, hash_of, moment, plain, text
from opsconsole.models.deeds import DEEDS, Told, detail_name, name_of, told
from opsconsole.models.installation import Installation
from pmscoring.base.progress import Say

LINK = (
    "number", "at", "actor", "source", "address", "deed", "object_type", "object_id", "object_name",
    "result", "details", "previous", "hash",
)  # fmt: skip
"""The columns that make up a link of the chain: all."""
AT_ONCE = 2000


def _silent(fraction: float, note: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Caller:
    """Who asks for a deed: a user's name (empty: nobody), by which door, from which address."""

    name: str = ""
    source: str = "system"
    address: str = ""


SYSTEM = Caller()


class EventQuerySet(models.QuerySet["Event"]):
    """Events by what they are to people, and as links of the chain."""

    def told(self, *wanted: Told) -> Self:
        """Those of the deeds that channels are told of in one of these ways."""
        return self.filter(deed__in=told(*wanted))

    def links(self) -> Iterator[dict[str, Any]]:
        """As links of the chain, the first one first; a few at a time are in memory."""
        rows = self.order_by("number").values(*LINK)
        for row in rows.iterator(chunk_size=AT_ONCE):
            yield {**row, "at": moment(row["at"])}

    def record(
        self,
        deed: str,
        on: models.Model | None = None,
        caller: Caller = SYSTEM,
        *,
        result: str = "ok",
        **details: Any,
    ) -> "Event":
        """Append an event, in the caller's transaction.

        `deed` is a word of deeds.py, such as `backup.requested`; raises ValueError for any other,
        and for a result or a source that is none. `details` hold ids, counts and reasons: never an
        answer or a candidate. What looks like a secret is taken out.

        Two events at once: both lock the installation's row, so the second waits for the commit of
        the first and links to it. Callers record last in a transaction, to hold that lock shortly.
        """
        _check(deed, result, caller.source)
        with transaction.atomic():
            installation = Installation.objects.locked()
            event = Event(
                number=installation.events + 1,
                at=now(),
                actor=text(caller.name, 150),
                source=caller.source,
                address=text(caller.address, 45),
                deed=deed,
                object_type=on._meta.model_name or "" if on else "",
                object_id=str(on.pk) if on else "",
                object_name=text(str(on), 200) if on else "",
                result=result,
                details=plain(details),
                previous=installation.head,
            )
            event.hash = hash_of(event.link())
            event.save(force_insert=True)
            installation.events, installation.head = event.number, event.hash
            installation.save(update_fields=["events", "head"])
        return event

    def broken_at(self, *, newest: int | None = None, say: Say = _silent) -> int | None:
        """The number of the first event that is changed, missing or out of its place; else None.

        With `newest` only so many of the last events are looked at, and the one before them is
        believed.

        Events are recorded meanwhile. (1) The installation says first how many there are and what
        the last one's hash is; the chain is followed up to there. (2) Whether there are more than
        were recorded is seen by the highest number, which is read before the installation is read
        again: an event and its count are committed together, so the count is never behind.
        """
        at_first = Installation.objects.here()
        chain = self._before(at_first.events - newest) if newest else Chain()
        links = self.filter(number__gt=chain.number, number__lte=at_first.events).links()
        for link in links:
            if not chain.follow(link):
                return chain.number + 1
            if chain.number % AT_ONCE == 0:
                say(min(chain.number / at_first.events, 0.99), str(chain.number))
        say(1.0, "")
        if (chain.number, chain.head) != (at_first.events, at_first.head):
            return chain.number + 1
        highest = self.aggregate(models.Max("number"))["number__max"] or 0
        recorded = Installation.objects.here().events
        return recorded + 1 if highest > recorded else None

    def _before(self, number: int) -> Chain:
        """The chain up to an event whose hash is believed."""
        event = self.filter(number=number).first()
        return Chain(event.number, event.hash) if event else Chain()


def _check(deed: str, result: str, source: str) -> None:
    if deed not in DEEDS:
        raise ValueError(f"{deed} is no deed of opsconsole/models/deeds.py")
    if result not in Event.Result.values or source not in Event.Source.values:
        raise ValueError(f"{result} is no result, or {source} no source, of an event")


class Event(models.Model):
    """A link of the chain: `hash` covers the other fields, of which one is the hash before.

    Triggers refuse UPDATE, DELETE and TRUNCATE. `details` is a flat object of ids, counts and
    reasons.
    """

    class Result(models.TextChoices):
        OK = "ok", _("done")
        FAILED = "failed", _("failed")
        REFUSED = "refused", _("refused")

    class Source(models.TextChoices):
        ADMIN = "admin", _("admin")
        COMMAND = "command", _("command line")
        REST = "rest", _("REST")
        BEAT = "beat", _("schedule")
        SYSTEM = "system", _("the system itself")

    number = models.PositiveBigIntegerField(_("number"), primary_key=True)
    at = models.DateTimeField(_("time"), db_index=True)
    actor = models.CharField(_("who"), max_length=150, blank=True)
    source = models.CharField(_("from where"), max_length=10, choices=Source)
    address = models.CharField(_("address"), max_length=45, blank=True)
    deed = models.CharField(_("what"), max_length=50, db_index=True)
    object_type = models.CharField(_("kind of object"), max_length=50, blank=True)
    object_id = models.CharField(_("key of the object"), max_length=50, blank=True)
    object_name = models.CharField(_("object"), max_length=200, blank=True)
    result = models.CharField(_("result"), max_length=10, choices=Result)
    details = models.JSONField(_("details"), default=dict, blank=True)
    previous = models.CharField(_("hash of the event before"), max_length=64, blank=True)
    hash = models.CharField(_("hash"), max_length=64)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [models.Index(fields=["object_type", "object_id"], name="event_object")]

    def __str__(self) -> str:
        return f"#{self.number} {self.deed}"

    def link(self) -> dict[str, Any]:
        """The event as a link of the chain."""
        fields = {name: getattr(self, name) for name in LINK}
        return {**fields, "at": moment(self.at)}

    @property
    def named_details(self) -> list[tuple[str, Any]]:
        """The details, each with its name in the active language."""
        return [(detail_name(key), value) for key, value in self.details.items()]

    @property
    def deed_name(self) -> str:
        """The deed's name in the active language."""
        return name_of(self.deed)

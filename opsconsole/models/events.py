"""Events: who did what, when, from where, on which object, with what result. Never changed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from opsconsole.models.installation import Installation

HASHED = (
    "number", "at", "actor", "source", "address", "deed", "object_type", "object_id", "object_name",
    "result", "details", "previous",
)  # fmt: skip


@dataclass(frozen=True)
class Caller:
    """Who asks for a deed: a user's name (empty: nobody), by which door, from which address."""

    name: str = ""
    source: str = "system"
    address: str = ""


SYSTEM = Caller()


class EventManager(models.Manager["Event"]):
    """The chain of events."""

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

        `deed` is a word of the vocabulary such as `backup.requested`. `details` hold ids, counts
        and reasons: never a secret, an answer or a candidate.

        Two events at once: both lock the installation's row, so the second waits for the commit of
        the first and links to it. Callers record last in a transaction, to hold that lock shortly.
        """
        with transaction.atomic():
            installation = Installation.objects.locked()
            event = Event(
                number=installation.events + 1,
                at=now(),
                actor=caller.name,
                source=caller.source,
                address=caller.address,
                deed=deed,
                object_type=on._meta.model_name or "" if on else "",
                object_id=str(on.pk) if on else "",
                object_name=str(on)[:200] if on else "",
                result=result,
                details=json.loads(json.dumps(details, cls=DjangoJSONEncoder)),
                previous=installation.head,
            )
            event.hash = event.computed_hash()
            event.save(force_insert=True)
            installation.events, installation.head = event.number, event.hash
            installation.save(update_fields=["events", "head"])
        return event

    def broken_at(self) -> int | None:
        """The number of the first event that is changed, missing or out of its place; else None."""
        number, previous = 0, ""
        installation = Installation.objects.here()
        for event in self.in_order():
            number += 1
            if (event.number, event.previous) != (number, previous):
                return number
            if event.hash != event.computed_hash():
                return number
            previous = event.hash
        if (number, previous) != (installation.events, installation.head):
            return number + 1
        return None

    def in_order(self) -> Iterator["Event"]:
        """Every event, the first one first, a few at a time."""
        return self.order_by("number").iterator(chunk_size=2000)


class Event(models.Model):
    """A link of the chain: `hash` covers the fields and the hash of the event before.

    A trigger refuses UPDATE, DELETE and TRUNCATE. `details` is a flat object of ids, counts and
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

    objects = EventManager()

    class Meta:
        ordering = ["-number"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [models.Index(fields=["object_type", "object_id"], name="event_object")]

    def __str__(self) -> str:
        return f"#{self.number} {self.deed}"

    def computed_hash(self) -> str:
        """SHA-256 of the fields as canonical JSON; times in UTC with microseconds."""
        fields = {name: getattr(self, name) for name in HASHED}
        fields["at"] = self.at.timestamp().hex()
        content = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()

"""Channels: where operators are told of events."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from opsconsole.models.backups import Backup
from opsconsole.models.deeds import Told, told
from opsconsole.models.events import Event
from opsconsole.models.installation import Installation

NAME = RegexValidator(r"^[a-z0-9-]{1,32}\Z", _("lower-case letters, digits and hyphens"))
LEASE = timedelta(minutes=2)
"""How long a worker has a channel to itself; longer than all tries of one notice."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
TEST = "channel.test_requested"


def newest_event() -> int:
    """A new channel is told of what happens from now on."""
    return Installation.objects.here().events


class ChannelQuerySet(models.QuerySet["Channel"]):
    """Channels by what is to be done with them."""

    def due(self, at: datetime | None = None) -> Self:
        """Enabled, in no worker's hands, and not in the pause after a failure."""
        return self.filter(enabled=True, due_at__lte=at or now())


class Channel(models.Model):
    """Failures and what is overdue always go there; successes where that is asked for.

    Its address is a secret: the file of the channel's name in CHANNELS_DIR. `told` is the number of
    the last event that the channel is done with, so that nothing else needs to be kept to know what
    it is still to be told. Until `due_at` nobody sends: a worker has claimed it, or it failed.
    """

    name = models.CharField(
        _("name"),
        max_length=32,
        unique=True,
        validators=[NAME],
        help_text=_("The file of this name in CHANNELS_DIR holds the address."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    successes = models.BooleanField(_("also successes"), default=False)
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE
    )
    told = models.PositiveBigIntegerField(default=newest_event, editable=False)
    due_at = models.DateTimeField(_("next try"), default=now, editable=False)
    tries = models.PositiveSmallIntegerField(_("failed attempts"), default=0, editable=False)
    delivered_at = models.DateTimeField(_("last delivered"), null=True, blank=True, editable=False)
    fault = models.CharField(_("last error"), max_length=500, blank=True, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name

    def news(self) -> "models.QuerySet[Event]":
        """The events that the channel is still to be told, the oldest first."""
        asked = Q(deed__in=told(Told.ASKED))
        if not self.successes:
            asked &= Q(object_type="backup", object_id__in=_backups_of_plans_that_ask())
        test = Q(deed=TEST, object_type="channel", object_id=str(self.pk))
        wanted = Q(deed__in=told(Told.ALWAYS)) | asked | test
        return Event.objects.filter(wanted, number__gt=self.told).order_by("number")

    def claim(self) -> bool:
        """Take the channel for this worker; False where another one was faster.

        Two workers at once: each claims by one UPDATE of a channel that is due, and the second
        finds it due no longer. What a worker that died had sent may be sent again.
        """
        lease = now() + LEASE
        claimed = Channel.objects.due().filter(pk=self.pk).update(due_at=lease)
        if claimed:
            self.refresh_from_db()
        return bool(claimed)

    def has_told(self, number: int, **columns: Any) -> None:
        """Go on after event `number`, and keep the claim."""
        self.told = number
        Channel.objects.filter(pk=self.pk, told__lt=number).update(told=number, **columns)

    def has_delivered(self, number: int) -> None:
        """The same, after a notice that arrived."""
        self.tries = 0
        self.has_told(number, delivered_at=now(), fault="", tries=0)

    def has_failed(self, reason: str) -> None:
        """Keep the reason, and let the next try wait: each time twice as long, at most an hour."""
        pause = min(FIRST_PAUSE * 2 ** min(self.tries, 10), LONGEST_PAUSE)
        self._give_back(fault=reason[:500], tries=self.tries + 1, due_at=now() + pause)

    def release(self) -> None:
        """Let any worker send the next notice."""
        self._give_back(due_at=now())

    def _give_back(self, **columns: Any) -> None:
        """End this worker's claim, if it still has it: somebody may want a try at once."""
        Channel.objects.filter(pk=self.pk, due_at=self.due_at).update(**columns)

    def try_at_once(self) -> None:
        """End the pause after a failure."""
        Channel.objects.filter(pk=self.pk, tries__gt=0).update(tries=0, due_at=now())

    def was_tested(self, fault: str = "") -> None:
        """Keep what came of a notice that was sent beside those of events."""
        good: dict[str, Any] = {} if fault else {"delivered_at": now()}
        Channel.objects.filter(pk=self.pk).update(fault=fault[:500], **good)

    def start_afresh(self) -> None:
        """Forget what happened while the channel was off."""
        rows = Channel.objects.filter(pk=self.pk)
        rows.update(told=newest_event(), tries=0, due_at=now(), fault="")


def _backups_of_plans_that_ask() -> "models.QuerySet[Backup, str]":
    """The keys, as events hold them."""
    key = Cast("pk", models.CharField())
    rows = Backup.objects.filter(plan__successes=True).annotate(key=key)
    return rows.values_list("key", flat=True)

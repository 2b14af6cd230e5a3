"""What backups and restores have in common: work that a person asked for, and can watch."""

from typing import Any

from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from opsconsole.models.events import Event
from pmscoring.base.jobs import Job


class RequestedJob(Job):
    """A job with its requester, its progress and its times; `seconds` counts from its start."""

    requested_by = models.CharField(_("requested by"), max_length=150, blank=True)
    language = models.CharField(max_length=10, default="ja", editable=False)
    stage = models.CharField(_("stage"), max_length=100, blank=True)
    fraction = models.FloatField(_("progress"), default=0.0)
    requested_at = models.DateTimeField(_("requested"), default=now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)

    class Meta:
        abstract = True

    def release(self) -> None:
        """Leave an event where this was its last try: somebody must be told."""
        super().release()
        if self.status == self.FAILED:
            deed = f"{self._meta.model_name}.failed"
            Event.objects.record(deed, self, result="failed", reason=self.reason)

    def at_end(self) -> dict[str, Any]:
        ended = now()
        # The clock may have been set back meanwhile.
        taken = max((ended - self.started_at).total_seconds(), 0) if self.started_at else None
        return {"claimed_at": None, "finished_at": ended, "seconds": taken, "stage": ""}

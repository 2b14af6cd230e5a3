"""A state that changes by one UPDATE, so that of two racing callers one gets WrongState."""

from typing import Any, ClassVar, cast

from django.db import models
from django.utils.translation import gettext as _


class WrongState(Exception):
    """The row was not in a state from which the wanted one can be reached."""


class ChangedMeanwhile(WrongState):
    """Somebody else has changed what a person was shown before they decided."""


class Lifecycle(models.Model):
    """A model with a `status` that moves along FLOW: state -> states it may become."""

    FLOW: ClassVar[dict[str, tuple[str, ...]]] = {}

    status = models.CharField(max_length=20)

    class Meta:
        abstract = True

    def become(self, status: str, **changes: Any) -> None:
        """Move to `status` and write `changes` in the same UPDATE, or raise WrongState.

        Two workers may have read the same row and both want to move it. The UPDATE names the states
        it may start from, so PostgreSQL lets the first one through; the second waits for the row's
        lock, finds another state there, and changes nothing.
        """
        sources = [source for source, targets in self.FLOW.items() if status in targets]
        rows = type(self)._default_manager.filter(pk=self.pk)
        wanted = {"status": status, **changes}
        if not rows.filter(status__in=sources).update(**wanted):
            raise self._wrong_state(status)
        self.refresh_from_db(fields=["status", *changes])

    def refuse(self, status: str) -> None:
        """Raise WrongState where the row, as it was read, cannot become `status`."""
        if status not in self.FLOW.get(self.status, ()):
            raise self._wrong_state(status)

    def _wrong_state(self, status: str) -> WrongState:
        names = dict(cast("models.Field[str, str]", self._meta.get_field("status")).flatchoices)
        words = {"row": self, "state": names.get(status, status)}
        return WrongState(_("%(row)s cannot become: %(state)s") % words)

"""A state that changes by one UPDATE, so that of two who race one is told so."""

from typing import Any, ClassVar

from django.db import models


class WrongState(Exception):
    """The row was not in a state from which the wanted one can be reached."""


class Lifecycle(models.Model):
    """A model with a `status` that moves along FLOW: state -> states it may become."""

    FLOW: ClassVar[dict[str, tuple[str, ...]]] = {}

    status = models.CharField(max_length=20)

    class Meta:
        abstract = True

    def become(self, status: str, **changes: Any) -> None:
        """Move to `status` and write `changes` in the same UPDATE, or raise WrongState."""
        sources = [source for source, targets in self.FLOW.items() if status in targets]
        rows = type(self)._default_manager.filter(pk=self.pk)
        wanted = {"status": status, **changes}
        if not rows.filter(status__in=sources).update(**wanted):
            raise WrongState(f"{self} cannot become {status}")
        self.refresh_from_db(fields=["status", *changes])

"""The installation: one running product, with an id made at its first start."""

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

ONLY = 1
"""The key of the only row."""


class InstallationManager(models.Manager["Installation"]):
    """The one installation."""

    def here(self) -> "Installation":
        """The row, which the first call makes."""
        return self.get_or_create(pk=ONLY)[0]

    def locked(self) -> "Installation":
        """The row, locked until the end of the transaction: one event is added at a time."""
        self.here()
        return self.select_for_update().get(pk=ONLY)


class Installation(models.Model):
    """Its id is in every backup and in the name of every stored object.

    `events` and `head` say how many events there are and the hash of the last one, so that an event
    missing at the end of the chain is found like one missing in the middle.
    """

    uid = models.UUIDField(_("id of the installation"), default=uuid4, editable=False, unique=True)
    events = models.PositiveBigIntegerField(_("events"), default=0, editable=False)
    head = models.CharField(_("hash of the last event"), max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = InstallationManager()

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installation")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=ONLY), name="only_one_installation")
        ]

    def __str__(self) -> str:
        return str(self.uid)

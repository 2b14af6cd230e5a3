"""Channels: where operators are told of events."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

NAME = RegexValidator(r"^[a-z0-9-]{1,32}\Z", _("lower-case letters, digits and hyphens"))


class Channel(models.Model):
    """Failures and what is overdue always go there; successes where that is asked for.

    Its address is a secret: the file of the channel's name in CHANNELS_DIR.
    """

    name = models.CharField(_("name"), max_length=32, unique=True, validators=[NAME])
    enabled = models.BooleanField(_("enabled"), default=True)
    successes = models.BooleanField(_("also successes"), default=False)
    delivered_at = models.DateTimeField(_("last delivered"), null=True, blank=True, editable=False)
    fault = models.CharField(_("last fault"), max_length=500, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name

"""API tokens, and responses kept for idempotency keys."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from pmscoring.base import role_words
from pmscoring.base.roles import REQUEST, ROLES

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def hashed(secret: str) -> str:
    """The digest under which a secret is stored.

    One SHA-256 is enough, since the secret is 256 random bits.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def scope_choices() -> list[tuple[str, Any]]:
    """What a token may be narrowed to, in words."""
    return [
        *((role, role_words.name(role)) for role in ROLES),
        (REQUEST, _("request: may ask for a deployment, which an operator approves")),
    ]


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Filters for tokens."""

    def valid(self, at: datetime | None = None) -> Self:
        """Neither revoked nor expired."""
        return self.filter(revoked_at=None, expires_at__gt=at or now())


class ApiToken(models.Model):
    """A caller's token: hashed at rest, expiring, revocable.

    Without a `scope` it acts as its user; with one it can do only what that scope names.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=100, blank=True)
    scope = models.CharField(
        _("scope"), max_length=20, choices=scope_choices, blank=True, default="", db_default=""
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"

    @classmethod
    def issue(
        cls, user: "User", name: str = "", days: int = 90, scope: str = ""
    ) -> tuple["ApiToken", str]:
        """A new token and its secret, which is shown this once."""
        secret = f"pms_{secrets.token_urlsafe(32)}"
        expires = now() + timedelta(days=days)
        return cls.objects.create(
            user=user, name=name, digest=hashed(secret), expires_at=expires, scope=scope
        ), secret


class IdempotencyKey(models.Model):
    """The response to a request with an Idempotency-Key, returned again if it is repeated.

    `body_hash` is that of the request; `response` is null until the request has been handled.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return self.key

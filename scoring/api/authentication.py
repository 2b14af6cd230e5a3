"""Authentication by API token."""

from typing import Any, cast

from django.contrib.auth.models import User
from django.contrib.postgres.aggregates import ArrayAgg
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from pmscoring.base.roles import CLIENT, MANAGER, VIEWER, narrow
from scoring.models import ApiToken
from scoring.models.access import hashed

READERS = (MANAGER, VIEWER, CLIENT)
"""Roles that read exams and answers. Markers and adjudicators do too, except what could bias their
marks."""


class TokenAuthentication(BaseAuthentication):
    """Authenticates by the header `Authorization: Bearer pms_…`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's user and the token; None where the header holds none.

        Raises AuthenticationFailed where the token is unknown, expired or revoked, or its user is
        no longer active.
        """
        kind, _space, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if kind.lower() != "bearer":
            return None
        valid = ApiToken.objects.valid().annotate(role_names=ArrayAgg("user__groups__name"))
        token = valid.filter(digest=hashed(secret)).select_related("user").first()
        if token is None or not token.user.is_active:
            raise AuthenticationFailed(_("The token is unknown, expired or revoked."))
        names = frozenset(cast(Any, token).role_names)
        setattr(token.user, "role_names", names)  # noqa: B010 - where roles_of looks for them
        if token.scope:
            narrow(token.user, token.scope)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """The WWW-Authenticate header of a 401."""
        return "Bearer"

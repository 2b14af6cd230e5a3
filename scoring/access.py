"""API tokens: for whom they are issued, and who revokes which. The admin and REST ask here.

A token acts as its user, so nobody issues one that can do more than they can themselves: an exam
manager for themselves and for client systems, a superuser for any active user. Everybody may revoke
their own tokens, and those of whomever they may issue for. Both leave a line in the audit log.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base.audit import record
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.roles import CLIENT, MANAGER, SCOPES, has_role, may_have_scope
from scoring.models import ApiToken
from scoring.models.access import ApiTokenQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST_NAME = 100
MOST_DAYS, USUAL_DAYS = 3650, 90


def owners(issuer: "User") -> "QuerySet[User]":
    """For whom the issuer may issue a token."""
    users = get_user_model()._default_manager.filter(is_active=True)
    if issuer.is_superuser:
        return users
    if not has_role(issuer, MANAGER):
        return users.none()
    return users.filter(Q(pk=issuer.pk) | Q(pk__in=_client_systems().values("pk")))


def _client_systems() -> "QuerySet[User]":
    """Users that are client systems and nothing more: in no other group, whether of ours or not,
    which could carry permissions of its own.
    """
    users = get_user_model()._default_manager.filter(
        is_active=True, is_staff=False, is_superuser=False
    )
    others = Group.objects.exclude(name=CLIENT)
    return users.filter(groups__name=CLIENT).exclude(groups__in=others)


def tokens(caller: "User") -> ApiTokenQuerySet:
    """Those that the caller may see and revoke."""
    if caller.is_superuser:
        return ApiToken.objects.all()
    return ApiToken.objects.filter(Q(user=caller) | Q(user__in=owners(caller).values("pk")))


def issue(
    issuer: "User",
    owner: "User | None",
    name: Any = "",
    days: Any = USUAL_DAYS,
    scope: Any = "",
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is shown this once.

    `name` and `days` are as they were sent, `owner` is None where no user was found. Raises Invalid
    with the pointers /user, /name, /days and /scope.
    """
    if faults := list(_faults(issuer, owner, name, days, scope)):
        raise Invalid(faults)
    token, secret = ApiToken.issue(cast("User", owner), name, days, scope)
    record("token issued", issuer, token=token.pk, owner=token.user_id, scope=scope)
    return token, secret


def _faults(
    issuer: "User", owner: "User | None", name: Any, days: Any, scope: Any
) -> Iterator[Fault]:
    if owner is None or not owners(issuer).filter(pk=owner.pk).exists():
        yield fault("/user", _("there is no user of this name for whom you may issue a token"))
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isprintable():
        words = {"most": LONGEST_NAME}
        yield fault("/name", _("at most %(most)d printable characters are expected") % words)
    if type(days) is not int or not 1 <= days <= MOST_DAYS:
        words = {"most": MOST_DAYS}
        yield fault("/days", _("a whole number from 1 to %(most)d is expected") % words)
    if not isinstance(scope, str) or (scope and scope not in SCOPES):
        yield fault("/scope", _("one of %s is expected") % ", ".join(SCOPES))
    elif scope and owner is not None and not may_have_scope(owner, scope):
        yield fault("/scope", _("the user's roles do not reach to this scope"))


def revoke(caller: "User", keys: Iterable[int]) -> list[int]:
    """Revoke the valid tokens that the caller may revoke, and return their keys."""
    # Two callers may revoke a token at once. Each UPDATE matches only a token that is not revoked
    # yet, so the second changes nothing, and the audit log names the token once.
    valid = tokens(caller).valid()
    revoked = [key for key in keys if valid.filter(pk=key).update(revoked_at=now())]
    if revoked:
        record("tokens revoked", caller, tokens=revoked)
    return revoked

"""Roles: Django groups with fixed names, and the one way to ask for them."""

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MANAGER, MARKER, ADJUDICATOR = "exam manager", "marker", "adjudicator"
OPERATOR, CLIENT, VIEWER = "operator", "client", "viewer"
ROLES = (MANAGER, MARKER, ADJUDICATOR, OPERATOR, CLIENT, VIEWER)
REQUEST = "request"
"""No role but a scope: a pipeline's token, which may ask for a deployment and nothing else."""
SCOPES = (*ROLES, REQUEST)
"""What a token can be narrowed to: one of its user's roles, or REQUEST for an operator's."""
SEES_CANDIDATES = (MANAGER, CLIENT)
"""Who may be told which candidate an answer belongs to."""


def roles_of(user: "User | AnonymousUser") -> frozenset[str]:
    """The names of the user's groups.

    Kept on the user object, so a request asks the database at most once: Django loads a new object
    for every request, and a token's authentication brings the names along.
    """
    names: frozenset[str] | None = getattr(user, "role_names", None)
    if names is None:
        names = frozenset(user.groups.values_list("name", flat=True))
        setattr(user, "role_names", names)  # noqa: B010 - not an attribute that User declares
    return names


def has_role(user: "User | AnonymousUser", *roles: str) -> bool:
    """Whether the user has one of the roles. Superusers have all of them, anonymous users none."""
    if not user.is_authenticated or not user.is_active:
        return False
    return user.is_superuser or not roles_of(user).isdisjoint(roles)


def may_have_scope(user: "User", scope: str) -> bool:
    """Whether a token of the user can have the scope, which takes away and never adds."""
    return scope in SCOPES and has_role(user, OPERATOR if scope == REQUEST else scope)


def narrow(user: "User", scope: str) -> None:
    """Leave the user, for this request, what the scope of their token names and no more.

    The user object is this request's own and never saved; superusers are none meanwhile.
    """
    names = frozenset({scope} if may_have_scope(user, scope) else ())
    setattr(user, "role_names", names)  # noqa: B010 - see roles_of
    user.is_superuser = False


def signed_in(user: "User | AnonymousUser") -> "User":
    """The user as one who is signed in; raises PermissionDenied for an anonymous one.

    For code behind a check of roles, which no anonymous user passes.
    """
    if isinstance(user, AnonymousUser):
        raise PermissionDenied
    return user


def sees_candidates(user: "User | AnonymousUser") -> bool:
    """Whether the user may be told which candidate an answer belongs to."""
    return has_role(user, *SEES_CANDIDATES)

"""API tokens: one's own, and a manager's for client systems."""

from typing import Annotated, Any, TypedDict

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import JSON, asks, call, tells
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS, Pages, View, as_object
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import CLIENT, MANAGER, ROLES, has_role
from scoring.api import examples
from scoring.api import representations as show
from scoring.models import ApiToken

MOST_DAYS, USUAL_DAYS = 3650, 90


class WantedToken(TypedDict, total=False):
    """`user`, a client system's user, where the token is not for the caller."""

    name: Annotated[str, {"maxLength": 100}]
    days: Annotated[int, {"minimum": 1, "maximum": MOST_DAYS, "default": USUAL_DAYS}]
    user: str


class TokenList(View):
    """API tokens."""

    throttle_scope = "tokens"
    readers = ROLES

    @call(
        "tokens_list", "tokens", {200: show.TokenPage}, parameters=PAGE_PARAMETERS, problems=[404]
    )
    def get(self, request: Request) -> Response:
        """List the caller's valid tokens; to managers, those of client systems too."""
        pages = Pages()
        page = pages.paginate_queryset(_tokens(request.user), request, self) or []
        return pages.get_paginated_response([show.token(one) for one in page])

    @call(
        "tokens_create",
        "tokens",
        {201: show.IssuedToken},
        takes={JSON: shape(WantedToken)},
        examples=[
            asks("For a client system", {"name": "CBT", "days": 90, "user": "cbt"}),
            tells("Issued", examples.ISSUED, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Issue a token; its secret is shown this once."""
        body = as_object(request.data)
        name, days = body.get("name", ""), body.get("days", USUAL_DAYS)
        if not isinstance(name, str) or len(name) > 100 or not name.isprintable():
            raise Invalid([fault("/name", "at most 100 printable characters are expected")])
        if type(days) is not int or not 1 <= days <= MOST_DAYS:
            raise Invalid([fault("/days", f"a whole number from 1 to {MOST_DAYS} is expected")])
        token, secret = ApiToken.issue(_owner(request.user, body.get("user")), name, days)
        told: show.IssuedToken = {**show.token(token), "token": secret}
        return Response(told, 201)


class TokenDetail(View):
    """One token."""

    throttle_scope = "tokens"
    writers = ROLES

    @call("tokens_delete", "tokens", {204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke a token that the caller may list."""
        if not _tokens(request.user).filter(pk=pk).update(revoked_at=now()):
            raise NotFound
        return Response(status=204)


def _clients() -> "QuerySet[Any]":
    """Users that are client systems and nothing more, so that no token lends a higher role."""
    users = get_user_model().objects.filter(is_active=True, is_staff=False, is_superuser=False)
    others = [role for role in ROLES if role != CLIENT]
    return users.filter(groups__name=CLIENT).exclude(groups__name__in=others)


def _tokens(user: Any) -> "QuerySet[ApiToken]":
    mine = Q(user=user)
    if has_role(user, MANAGER):
        mine |= Q(user__in=_clients())
    return ApiToken.objects.valid().filter(mine).select_related("user")


def _owner(caller: Any, name: Any) -> Any:
    if name is None or name == caller.get_username():
        return caller
    known = isinstance(name, str) and name.isprintable()
    owner = _clients().filter(username=name).first() if known else None
    if owner is None:
        raise Invalid(
            [fault("/user", f"there is no user of this name with the role {CLIENT} only")]
        )
    return owner

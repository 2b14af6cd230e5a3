"""API tokens: one's own, and a manager's for client systems."""

from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import JSON, call, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS, View, as_object
from pmscoring.base.roles import ROLES, SCOPES, signed_in
from scoring import access
from scoring.api import examples
from scoring.api import representations as show

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class WantedToken(TypedDict, total=False):
    """`user`, a client system's user, where the token is not for the caller.

    A token with a `scope` can do only what that role of its user can; with the scope `request`,
    which an operator's token may have, it can ask for deployments and nothing else.
    """

    name: Annotated[str, {"maxLength": access.LONGEST_NAME}]
    days: Annotated[int, {"minimum": 1, "maximum": access.MOST_DAYS, "default": access.USUAL_DAYS}]
    user: str
    scope: Annotated[str, {"enum": ["", *SCOPES]}]


class TokenView(View):
    """Tokens are no matter of tokens with a scope: what one issued could do more than itself."""

    throttle_scope = "tokens"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if getattr(request.auth, "scope", ""):
            raise PermissionDenied("a token with a scope neither lists, issues nor revokes tokens")


class TokenList(TokenView):
    """API tokens."""

    readers = ROLES

    @call(
        "tokens_list", "tokens", {200: show.TokenPage}, parameters=PAGE_PARAMETERS, problems=[404]
    )
    def get(self, request: Request) -> Response:
        """List the caller's valid tokens; to managers, those of client systems too.

        To superusers, all.
        """
        tokens = access.tokens(signed_in(request.user)).valid().select_related("user")
        return self.paged(request, tokens, show.token)

    @call(
        "tokens_create",
        "tokens",
        {201: show.IssuedToken},
        takes={JSON: shape(WantedToken)},
        examples=[
            request_example("For a client system", {"name": "CBT", "days": 90, "user": "cbt"}),
            response_example("Issued", examples.ISSUED_TOKEN, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Issue a token; its secret is shown this once."""
        body = as_object(request.data)
        name, days = body.get("name", ""), body.get("days", access.USUAL_DAYS)
        scope = body.get("scope", "")
        caller = signed_in(request.user)
        token, secret = access.issue(caller, _owner(caller, body.get("user")), name, days, scope)
        issued: show.IssuedToken = {**show.token(token), "token": secret}
        return Response(issued, 201)


class TokenDetail(TokenView):
    """One token."""

    writers = ROLES

    @call("tokens_delete", "tokens", {204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke a token that the caller may list."""
        if not access.revoke(signed_in(request.user), [pk]):
            raise NotFound
        return Response(status=204)


def _owner(caller: "User", name: Any) -> "User | None":
    """The caller, or the user of that name for whom they may issue a token."""
    if name is None or name == caller.get_username():
        return caller
    known = isinstance(name, str) and name.isprintable()
    return access.owners(caller).filter(username=name).first() if known else None

"""Who may see the inside: callers of the internal network, users and holders of tokens."""

import ipaddress
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from scoring.api.authentication import TokenAuthentication

# What a proxy adds. Anyone may send these too, and only loses by it.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
View = Callable[[HttpRequest], HttpResponse]


def is_internal(request: HttpRequest) -> bool:
    """Whether the connection itself comes from the internal network, and not through a proxy.

    A proxy stands in the internal network and speaks for the whole world: a request with a mark
    of one is never internal, whatever address it names. So the header cannot be forged to gain
    anything, and a proxy in front of the product must add X-Forwarded-For.
    """
    if any(name in request.META for name in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in settings.INTERNAL_NETWORKS)


def is_known(request: HttpRequest) -> bool:
    """Whether a user's session or a token came with the request; asks the database."""
    if "HTTP_AUTHORIZATION" not in request.META:
        return settings.SESSION_COOKIE_NAME in request.COOKIES and get_user(request).is_active
    try:
        found = TokenAuthentication().authenticate(Request(request))
    except AuthenticationFailed:
        return False
    return found is not None


def insiders_only(view: View) -> View:
    """The view, for the internal network and for who is known; a 403 for all others."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if is_internal(request) or is_known(request):
            return view(request)
        told = {"type": "about:blank", "title": "Not allowed", "status": 403}
        return JsonResponse(told, status=403, content_type="application/problem+json")

    return guarded

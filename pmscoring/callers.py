"""Who calls: who may read /metrics and the details of /health, and send large bodies."""

import ipaddress
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from scoring.api.authentication import TokenAuthentication

# Headers that a proxy adds. Anyone else who sends one only loses access by it.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
View = Callable[[HttpRequest], HttpResponse]


def is_internal(request: HttpRequest) -> bool:
    """Whether the connection itself comes from the internal network, and not through a proxy.

    A proxy stands in the internal network and forwards requests of the whole world, so a request
    with a proxy's header is never internal, whatever address the header names. Forging the header
    gains nothing, and a proxy in front of the product must add X-Forwarded-For.
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
        authenticated = TokenAuthentication().authenticate(Request(request))
    except AuthenticationFailed:
        return False
    return authenticated is not None


def known(request: HttpRequest) -> HttpResponse:
    """204 for a session or token that is good, 401 for all else: nginx asks before a large body."""
    return HttpResponse(status=204 if is_known(request) else 401)


def insiders_only(view: View) -> View:
    """The view, for internal and authenticated callers; a 403 for all others."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if is_internal(request) or is_known(request):
            return view(request)
        problem = {"type": "about:blank", "title": "Not allowed", "status": 403}
        return JsonResponse(problem, status=403, content_type="application/problem+json")

    return guarded

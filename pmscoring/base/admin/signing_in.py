"""The sign-in page, and how many passwords may be tried on it."""

import hashlib
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext
from rest_framework.request import Request

from pmscoring.base.addresses import address_of
from pmscoring.base.admin import theme
from pmscoring.base.throttling import SignInWindow

OF_MANY = 10
"""How many times as many tries an account has from all addresses, or an address at all accounts."""
THROTTLED = "throttled"


class SignInForm(theme.AuthenticationForm):
    """Asks for name and password, and for neither where too many were wrong.

    Each try is counted before the password is looked at, for many may be sent at once; one that
    succeeds is taken back, so that people who sign in are not counted.
    """

    wait_seconds = 0

    def clean(self) -> dict[str, Any]:
        """The data, with the user signed in; raises ValidationError."""
        name = str(self.cleaned_data.get("username") or "")
        tries = _windows(name, address_of(cast(HttpRequest, self.request)))
        # One after the other: a try that its own address is refused does not count against the
        # account, so that nobody is locked out everywhere from one address.
        for window in tries:
            if not window.allow_request(cast(Request, self.request), None):
                self.wait_seconds = int(window.wait()) + 1
                raise ValidationError(_in_words(self.wait_seconds), THROTTLED)
        cleaned = super().clean()
        for window in tries:
            window.take_back()
        return cleaned


def _windows(name: str, address: str) -> list[SignInWindow]:
    """What a try counts for: this account from here, any from here, this one from anywhere."""
    return [
        SignInWindow(_ident(name, address)),
        SignInWindow(_ident("", address), OF_MANY),
        SignInWindow(_ident(name, ""), OF_MANY),
    ]


def _ident(name: str, address: str) -> str:
    """Who is counted; as a digest, for what is typed as a name may be a password."""
    return hashlib.sha256(f"{name}\0{address}".encode()).hexdigest()


def _in_words(seconds: int) -> str:
    minutes = -(-seconds // 60)
    words = ngettext(
        "Too many sign-ins failed. Try again in %(minutes)d minute.",
        "Too many sign-ins failed. Try again in %(minutes)d minutes.",
        minutes,
    )
    return words % {"minutes": minutes}


def sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's sign-in page, with the status 429 where too many tries failed."""
    response = admin.site.login(request)
    form = (getattr(response, "context_data", None) or {}).get("form")
    if form is not None and form.has_error("__all__", THROTTLED):
        response.status_code = 429
        response["Retry-After"] = str(form.wait_seconds)
    return response


admin.site.login_form = SignInForm

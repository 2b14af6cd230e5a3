"""The pages of errors: in every language of the product, with a way back, and without a database.

They have no script, style sheet or image and ask nobody, so they can be shown whatever is broken.
Below /api/ the same errors are problem documents.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pmscoring.base.api.problems import MEDIA_TYPE, TITLES, problem
from pmscoring.base.request_id import request_id

API = "/api/"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


class Words(NamedTuple):
    """What a page says: what happened, and what to do now."""

    title: str | Promise
    text: str | Promise


CSRF = Words(
    _("The form was not accepted"),
    _(
        "The page was open for too long, somebody signed in or out in another tab, or the browser"
        " keeps no cookies. Nothing was saved. Go back, load the page again, and send the form"
        " again."
    ),
)
WORDS = {
    400: Words(
        _("The request was not understood"),
        _("The address or the form has a value that is not accepted. Nothing was changed."),
    ),
    403: Words(
        _("You may not open this page"),
        _(
            "Your roles do not include it. If you need it, ask an exam manager or whoever set up"
            " your account."
        ),
    ),
    404: Words(
        _("This page does not exist"),
        _("The address is mistyped, or what it showed has been deleted."),
    ),
    408: Words(
        _("The form did not arrive"),
        _(
            "The connection broke off or was too slow, and nothing was saved. Go back and send the"
            " form again. A large file can be divided into smaller ones."
        ),
    ),
    413: Words(
        _("This is too large"),
        _(
            "What was sent is larger than this site accepts, and nothing was saved. Divide the file"
            " into smaller ones, or ask whoever operates this site."
        ),
    ),
    429: Words(
        _("Too many requests"),
        _("Wait a little, then try again. Nothing was changed."),
    ),
    500: Words(
        _("Something went wrong on our side"),
        _(
            "The fault has been logged. Try again; if it happens again, tell whoever operates this"
            " site the number below."
        ),
    ),
    503: Words(
        _("Please wait a moment"),
        _("The service will be back within minutes. Go back and try again then."),
    ),
    507: Words(
        _("There is no room left"),
        _(
            "A disk of this site is full, so what you sent was not saved; what is there can be"
            " read. Tell whoever operates this site. It goes on by itself once there is room."
        ),
    ),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, which also gets bodies that are too large: 413."""
    return failure(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return failure(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return failure(request, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    return failure(request, 403, CSRF)


def failure(
    request: HttpRequest,
    status: int,
    words: Words | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The response of the status: a problem below /api/, elsewhere a page in both languages.

    `words` take the place of the status's own.
    """
    if request.path_info.startswith(API):
        detail = TITLES.get(status, "Error")
        body = problem(status, detail)
        return JsonResponse(body, status=status, headers=headers, content_type=MEDIA_TYPE)
    context = {
        "status": status,
        "words": words or WORDS[status],
        "languages": _languages(request),
        "back": _came_from(request),
        "number": request_id.get() if status == 500 else "",
    }
    page = render_to_string("pmscoring/error.html", context)
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", **(headers or {})}
    return HttpResponse(page, status=status, headers=headers)


def _languages(request: HttpRequest) -> list[str]:
    """The codes of all languages, that of the visitor first."""
    own = translation.get_language_from_request(request)
    return sorted((code for code, _name in settings.LANGUAGES), key=lambda code: code != own)


def _came_from(request: HttpRequest) -> str:
    """The path of the page of this site that led here; empty where there is none."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    # Compared with the header itself: `get_host` refuses hosts that are not ours, and may be why
    # this page is shown.
    same_site = came_from.netloc and came_from.netloc == request.headers.get("Host", "")
    path = f"{came_from.path}?{came_from.query}".rstrip("?")
    is_path = path.startswith("/") and not path.startswith("//")
    return path if same_site and is_path and path != request.get_full_path() else ""

"""Pages of our own under the theme's frame."""

from typing import Any

from django.contrib import admin
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

MOST_DIGITS = 9
"""Of a page's number."""


def page(
    owner: Any, request: HttpRequest, template: str, title: str, original: Any, **more: Any
) -> HttpResponse:
    """The template with what every page of the admin class `owner` has."""
    context = {
        **owner.admin_site.each_context(request),
        "opts": owner.opts,
        "original": original,
        "title": title,
        "page_title": title,
        **more,
    }
    request.current_app = owner.admin_site.name
    return TemplateResponse(request, template, context)


def confirmation(
    owner: Any,
    request: HttpRequest,
    title: str,
    original: Any,
    *,
    meaning: str,
    back: str,
    final: bool = False,
    refusal: str = "",
    template: str = "pmscoring/confirm.html",
    **more: Any,
) -> HttpResponse:
    """Ask before a deed: what it means, a form that posts to the same address, and the way back.

    `final` says that there is no way back; a `refusal` takes the place of the button. A template
    of its own extends pmscoring/confirm.html and fills its block `details` from `more`.
    """
    context = {"meaning": meaning, "back": back, "final": final, "refusal": refusal, **more}
    return page(owner, request, template, title, original, **context)


def search(request: HttpRequest) -> HttpResponse:
    """The theme's search, which knows no page that is not there; Http404 for such a one."""
    number = request.GET.get("page", "1")
    if not number.isascii() or not number.isdecimal() or len(number) > MOST_DIGITS:
        raise Http404
    view: Any = admin.site.search  # type: ignore[attr-defined]
    try:
        response: HttpResponse = admin.site.admin_view(view)(request)
    except InvalidPage as error:
        raise Http404 from error
    return response

"""Pages of our own under the theme's frame."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


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

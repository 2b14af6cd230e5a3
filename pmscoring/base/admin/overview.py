"""The overview, the admin's first page: panels that each app registers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from pmscoring.base.roles import has_role


@dataclass(frozen=True)
class Panel:
    """A template with the context that `read` gives it as `panel`, for holders of the roles."""

    template: str
    read: Callable[[HttpRequest], dict[str, Any]]
    roles: tuple[str, ...]
    order: int


_panels: list[Panel] = []


def register(panel: Panel) -> None:
    """Show the panel from now on; the panel of the lowest `order` comes first."""
    _panels.append(panel)


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's setting: the index's context, with the panels that the caller may see."""
    panels = [
        (panel.template, panel.read(request))
        for panel in sorted(_panels, key=lambda panel: panel.order)
        if has_role(request.user, *panel.roles)
    ]
    return {**context, "title": _("Overview"), "panels": panels}

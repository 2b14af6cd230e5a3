"""The admin's sidebar: sections of links that each app registers, shown as far as one may see.

An app registers in its `admin` package, which Django imports once, at its start.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Visible = Callable[[HttpRequest], bool]
OTHER_ICON = "database"


@dataclass(frozen=True)
class ModelLink:
    """The list of a model, named `app_label.model`; shown to those who may see the model."""

    name: str
    icon: str


@dataclass(frozen=True)
class PageLink:
    """A page that is no model's list, by the name of its URL."""

    title: str | Promise
    icon: str
    url_name: str
    visible: Visible


Link = ModelLink | PageLink


@dataclass
class Section:
    """Links under a title; the section of the lowest `order` comes first."""

    title: str | Promise
    order: int
    links: list[Link] = field(default_factory=list)


_sections: dict[str, Section] = {}


def register(code: str, title: str | Promise, order: int, *links: Link) -> None:
    """Add links to the section `code`, which is made by whoever registers it first."""
    _sections.setdefault(code, Section(title, order)).links.extend(links)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The theme's setting: sections of items; models that nobody registered come last, by app."""
    unregistered = {
        f"{app['app_label']}.{model['object_name'].lower()}": (str(app["name"]), model)
        for app in admin.site.get_app_list(request)
        for model in app["models"]
    }
    groups: list[dict[str, Any]] = []
    for section in sorted(_sections.values(), key=lambda section: section.order):
        items = [_item(request, link, unregistered) for link in section.links]
        groups.append({"title": str(section.title), "items": [item for item in items if item]})
    rest: dict[str, list[dict[str, Any]]] = {}
    for app_name, model in unregistered.values():
        rest.setdefault(app_name, []).append(_model_item(model, OTHER_ICON))
    groups += [{"title": title, "items": items} for title, items in rest.items()]
    return [group for group in groups if group["items"]]


def _item(request: HttpRequest, link: Link, models: dict[str, Any]) -> dict[str, Any] | None:
    """The link as the theme shows it; None for what the caller may not see."""
    if isinstance(link, ModelLink):
        _app_name, model = models.pop(link.name, (None, None))
        return _model_item(model, link.icon) if model else None
    if not link.visible(request):
        return None
    return {"title": link.title, "icon": link.icon, "link": reverse(link.url_name)}


def _model_item(model: dict[str, Any], icon: str) -> dict[str, Any]:
    return {"title": str(model["name"]), "icon": icon, "link": model["admin_url"]}


def _everyone(request: HttpRequest) -> bool:
    return True


ACCESS = _("Access")
register("home", "", 0, PageLink(_("Overview"), "space_dashboard", "admin:index", _everyone))
register("access", ACCESS, 80, ModelLink("auth.user", "person"))
register(
    "schedules",
    _("Schedules"),
    90,
    ModelLink("django_celery_beat.periodictask", "schedule"),
    ModelLink("django_celery_beat.intervalschedule", OTHER_ICON),
    ModelLink("django_celery_beat.crontabschedule", OTHER_ICON),
    ModelLink("django_celery_beat.clockedschedule", OTHER_ICON),
    ModelLink("django_celery_beat.solarschedule", OTHER_ICON),
)

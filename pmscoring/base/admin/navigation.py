"""The admin's sidebar: what the caller may see, grouped by what people do."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, has_role

ICONS = {
    "scoring.exam": "school",
    "scoring.question": "quiz",
    "scoring.calibration": "tune",
    "scoring.answer": "edit_note",
    "scoring.submission": "assignment_ind",
    "scoring.upload": "upload_file",
    "scoring.batch": "stacks",
    "scoring.apitoken": "key",
    "auth.user": "person",
    "auth.group": "groups",
    "django_celery_beat.periodictask": "schedule",
}


def groups() -> list[tuple[str, list[str]]]:
    """Titles, in the caller's language, and the models below each."""
    return [
        (_("Exams"), ["scoring.exam", "scoring.question", "scoring.calibration"]),
        (_("Answers"), ["scoring.answer", "scoring.submission"]),
        (_("Arrivals"), ["scoring.upload", "scoring.batch"]),
        (_("Access"), ["scoring.apitoken", "auth.user", "auth.group"]),
        (
            _("Schedules"),
            [
                "django_celery_beat.periodictask",
                "django_celery_beat.intervalschedule",
                "django_celery_beat.crontabschedule",
                "django_celery_beat.clockedschedule",
                "django_celery_beat.solarschedule",
            ],
        ),
    ]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links; models that no group names come last, by app."""
    seen = {
        f"{app['app_label']}.{model['object_name'].lower()}": (app, model)
        for app in admin.site.get_app_list(request)
        for model in app["models"]
    }
    home = {"title": _("Overview"), "icon": "space_dashboard", "link": reverse("admin:index")}
    found = [{"title": "", "items": [home, *_marking(request)]}]
    for title, names in groups():
        items = [_item(n, seen.pop(n)[1]) for n in names if n in seen]
        if "scoring.exam" in names and items:
            items.append(_agreement())
        found.append({"title": title, "items": items})
    rest: dict[str, list[dict[str, Any]]] = {}
    for name, (app, model) in seen.items():
        rest.setdefault(str(app["name"]), []).append(_item(name, model))
    found += [{"title": title, "items": items} for title, items in rest.items()]
    return [group for group in found if group["items"]]


def _marking(request: HttpRequest) -> list[dict[str, Any]]:
    if not has_role(request.user, MARKER, ADJUDICATOR, MANAGER):
        return []
    return [{"title": _("Marking"), "icon": "rate_review", "link": reverse("marking:entry")}]


def _agreement() -> dict[str, Any]:
    link = reverse("admin:scoring_exam_agreements")
    return {"title": _("Agreement"), "icon": "handshake", "link": link}


def _item(name: str, model: dict[str, Any]) -> dict[str, Any]:
    icon = ICONS.get(name, "database")
    return {"title": str(model["name"]), "icon": icon, "link": model["admin_url"]}

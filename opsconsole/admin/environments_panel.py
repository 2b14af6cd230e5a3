"""The panel of environments on the overview: how they are, what is under way, who must act."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.admin import seen, states, words
from opsconsole.admin.deployment_page import waits_for_approval
from opsconsole.models import Deployment, Environment, ExamWindow, Heal
from pmscoring.base.admin import overview
from pmscoring.base.roles import OPERATOR, VIEWER, has_role

FAILED_DAYS, MOST_SHOWN = 7, 3
AHEAD = timedelta(days=7)
"""How long beforehand a window is announced."""
BACK = (Deployment.Status.FAILED, Deployment.Status.ROLLED_BACK)


def read(request: HttpRequest) -> dict[str, Any]:
    """The context of opsconsole/environments_panel.html."""
    environments = list(Environment.objects.kept().select_related("release"))
    unfinished = list(Deployment.objects.unfinished().select_related("environment"))
    return {
        "rows": [_row(environment) for environment in environments],
        "under_way": [
            (row, states.live_state(row)) for row in unfinished if not waits_for_approval(row)
        ],
        "to_approve": [row for row in unfinished if waits_for_approval(row)],
        "failed": _failed(),
        "given_up": Heal.objects.open().filter(did=Heal.Did.GAVE_UP).select_related("environment"),
        "windows": _windows(),
        "live": any(environment.laid_out_at for environment in environments),
        "may_operate": has_role(request.user, OPERATOR),
    }


def _row(environment: Environment) -> dict[str, Any]:
    totals = seen.totals(environment)
    colour, _word = seen.health(environment)
    return {
        "environment": environment,
        "label": seen.label(environment),
        "version": environment.release.version if environment.release else words.NOTHING,
        "replicas": _("%(good)d of %(wanted)d") % totals if environment.seen else words.NOTHING,
        "cpu": totals["cpu"],
        "memory": totals["memory"],
        "age": words.age(environment.seen_at),
        "sick": [
            f"{service.name} {service.good}/{service.wanted}"
            for service in seen.services(environment)
            if service.is_bad and colour == "danger"
        ],
    }


def _failed() -> list[Deployment]:
    """The last deployments of each environment that came to nothing, and were not made up for."""
    since = now() - timedelta(days=FAILED_DAYS)
    rows = Deployment.objects.filter(requested_at__gt=since).select_related("environment")
    newest: dict[int, Deployment] = {}
    for row in rows.filter(status__in=(Deployment.DONE, *BACK)):
        newest.setdefault(row.environment_id, row)
    return [row for row in newest.values() if row.status in BACK][:MOST_SHOWN]


def _windows() -> list[tuple[ExamWindow, bool, Any, Any]]:
    """Those that hold, or will within days: each with whether it holds, its start and its end."""
    at = now()
    rows = ExamWindow.objects.filter(ends_at__gt=at, starts_at__lt=at + AHEAD)
    return [
        (row, row.starts_at <= at, states.when(row.starts_at), states.when(row.ends_at))
        for row in rows.order_by("starts_at")
    ]


overview.register(overview.Panel("opsconsole/environments_panel.html", read, (OPERATOR, VIEWER), 4))

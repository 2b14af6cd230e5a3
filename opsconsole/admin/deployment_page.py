"""The page of one deployment: its steps, its log, the verdict of the soak, and what can be done."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from opsconsole.admin import states, verdicts, words
from opsconsole.admin.classes import ReadOnly
from opsconsole.models import Deployment, Event
from pmscoring.base.admin.pages import page
from pmscoring.base.roles import has_role

Status = Deployment.Status
MOST_SHOWN = 20
BEFORE_ROLLING = (Status.REQUESTED, Status.PREPARING, Status.BACKING_UP, Status.MIGRATING)
"""While it is in one of these, nothing that serves was touched."""


class DeploymentPage(ReadOnly):
    """The page of a deployment, readable without a script."""

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators act, and viewers see."""
        return has_role(request.user, *self.writers)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Everything about one deployment."""
        deployment = self.get_object(request, unquote(object_id))
        if not isinstance(deployment, Deployment) or not self.has_view_permission(request):
            raise Http404
        template, title = "opsconsole/deployment.html", _("Deployment")
        context = page_context(deployment)
        context["may_operate"] = self.has_operate_permission(request)
        return page(self, request, template, title, deployment, **context)


def page_context(deployment: Deployment) -> dict[str, Any]:
    """The context of opsconsole/deployment.html but for what depends on the viewer."""
    events = Event.objects.filter(object_type="deployment", object_id=str(deployment.pk))
    alive = states.is_alive(deployment)
    return {
        "deployment": deployment,
        "label": states.label(deployment),
        "alive": alive,
        "waits_for_approval": waits_for_approval(deployment),
        "may_cancel": alive and deployment.cancel_at is None,
        "asked": states.when(deployment.requested_at),
        "approved": states.when(deployment.approved_at),
        "since": words.age(deployment.since) if alive and deployment.since else "",
        "bar": states.bar(deployment),
        "steps": states.steps(deployment, order(deployment)),
        "lines": [_line(step) for step in deployment.steps],
        "facts": _facts(deployment),
        "verdict": verdicts.of(deployment.verdict),
        "events": events[:MOST_SHOWN],
    }


def waits_for_approval(deployment: Deployment) -> bool:
    """Whether nothing happens until an operator approves it."""
    return (
        deployment.needs_approval
        and deployment.approved_at is None
        and deployment.status == Status.REQUESTED
    )


def order(deployment: Deployment) -> list[tuple[str, str]]:
    """The states on the way, as far as this deployment goes through them."""
    forward = [
        (Status.REQUESTED, _("requested")),
        (Status.PREPARING, _("preparing")),
        (Status.BACKING_UP, _("backing up")),
        (Status.MIGRATING, _("migrating")),
        (Status.ROLLING, _("rolling out")),
        (Status.SOAKING, _("soaking")),
        (Status.LIVE, _("live")),
    ]
    if deployment.status in (Status.ROLLING_BACK, Status.ROLLED_BACK):
        forward[-1:] = [
            (Status.ROLLING_BACK, _("rolling back")),
            (Status.ROLLED_BACK, _("rolled back")),
        ]
    return [(state.value, name) for state, name in forward]


def _line(step: dict[str, Any]) -> dict[str, Any]:
    """A row of the table of steps."""
    state = str(step.get("state") or "")
    names = {
        "done": _("done"),
        "failed": _("failed"),
        "running": _("under way"),
        "skipped": _("not needed"),
    }
    return {
        "name": str(step.get("name") or ""),
        "state": names.get(state, state),
        "is_bad": state == "failed",
        "seconds": words.duration(step.get("seconds")),
        "says": str(step.get("says") or ""),
    }


def _facts(deployment: Deployment) -> list[tuple[str, str, bool]]:
    """(name, value, whether it is bad) of what is known by now."""
    failed = deployment.failed_requests
    facts = [
        (_("duration"), words.duration(deployment.seconds), False),
        (
            _("failed requests"),
            words.NOTHING if failed is None else str(failed),
            bool(failed),
        ),
    ]
    return [fact for fact in facts if fact[1] != words.NOTHING]

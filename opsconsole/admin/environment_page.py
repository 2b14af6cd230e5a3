"""The page of one environment: what runs in it, what was done to it, and what can be done."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from opsconsole.admin import heals, scaling_panel, seen, states, words
from opsconsole.admin.classes import ReadOnly
from opsconsole.models import Environment, Event, Heal
from pmscoring.base.admin.pages import page
from pmscoring.base.roles import has_role

MOST_SHOWN = 8


class EnvironmentPage(ReadOnly):
    """The page of an environment, readable without a script."""

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators act, and viewers see."""
        return has_role(request.user, *self.writers)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Everything about one environment."""
        environment = self.get_object(request, unquote(object_id))
        if not isinstance(environment, Environment) or not self.has_view_permission(request):
            raise Http404
        template, title = "opsconsole/environment.html", _("Environment")
        context = page_context(environment)
        context["may_operate"] = self.has_operate_permission(request)
        return page(self, request, template, title, environment, **context)


def _heals(environment: Environment) -> list[Heal]:
    """Those whose replica is still sick, and the last ones that ended."""
    return list(environment.heals.all()[:MOST_SHOWN])


def page_context(environment: Environment) -> dict[str, Any]:
    """The context of opsconsole/environment.html but for what depends on the viewer."""
    deployments = environment.deployments.select_related("environment", "to_release")
    events = Event.objects.filter(object_type="environment", object_id=str(environment.pk))
    return {
        "label": seen.label(environment),
        "runs": environment.laid_out_at is not None and environment.removed_at is None,
        "deploys": environment.engine != Environment.Engine.EMBEDDED,
        "is_known": environment.is_known(),
        "age": words.age(environment.seen_at),
        "services": seen.services(environment),
        "scaling": scaling_panel.rows(environment.scaling_policies.select_related("environment")),
        "totals": seen.totals(environment),
        "happenings": seen.happenings(environment),
        "under_way": [
            (row, states.live_state(row)) for row in deployments.unfinished()[:MOST_SHOWN]
        ],
        "deployments": [
            (row, states.label(row), states.when(row.requested_at))
            for row in deployments[:MOST_SHOWN]
        ],
        "operations": [
            (row, states.label(row), states.when(row.requested_at))
            for row in environment.operations.all()[:MOST_SHOWN]
        ],
        "heals": [(heal, heals.label(heal), states.when(heal.at)) for heal in _heals(environment)],
        "events": events[:MOST_SHOWN],
    }

"""Rolling out and back: a version is chosen, the plan is read, and then it is confirmed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole import tasks
from opsconsole.admin import states, words
from opsconsole.admin.backup_actions import EXPECTED
from opsconsole.admin.environment_deeds import environment_address
from opsconsole.admin.roll_out_forms import ConfirmForm, ReleaseForm, VersionForm, WhatForm
from opsconsole.admin.upkeep import Upkeep
from opsconsole.callers import caller_of
from opsconsole.deployments import preview, request, rollback
from opsconsole.models import Deployment, Environment, Operation, Release
from pmscoring.base.admin.pages import page
from pmscoring.base.nudges import nudge
from pmscoring.base.refusals import Refused

YOUNG = timedelta(minutes=15)
"""How long a plan may be confirmed: what runs may be another by then."""


class RollOut(Upkeep):
    """The pages between the button and the deployment."""

    def views(self) -> dict[str, Callable[..., HttpResponseBase]]:
        return {
            **super().views(),
            "roll_out": self.roll_out_view,
            "roll_back": self.roll_back_view,
        }

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., HttpResponse] = self.admin_site.admin_view(self.plan_view)
        plan = path("<int:pk>/plan/<int:key>/", view, name="opsconsole_environment_plan")
        return [plan, *super().get_urls()]

    def roll_out_view(self, call: HttpRequest, pk: int) -> HttpResponse:
        """A form for the version; its plan comes next. A first deployment has none."""
        environment = self.operated(call, pk)
        if environment.laid_out_at is None:
            return self._lay_out(call, environment)
        form = VersionForm(call.POST if call.method == "POST" else None)
        title = _("Roll out a version")
        lead = _("Next you see what will be done, and confirm it. Nothing is touched before.")
        return self._planned(call, environment, form, title, lead)

    def roll_back_view(self, call: HttpRequest, pk: int) -> HttpResponse:
        """A form for the release to go back to; that which ran before is chosen."""
        environment = self.operated(call, pk)
        chosen = call.GET.get("release") or _earlier(environment)
        data = call.POST if call.method == "POST" else None
        form = ReleaseForm(environment, data, initial={"release": chosen})
        title = _("Roll back")
        lead = _(
            "Exactly the images that ran then are brought back, whatever their tags point to now."
            " Next you see what will be done, and confirm it."
        )
        return self._planned(call, environment, form, title, lead)

    def _planned(
        self, call: HttpRequest, environment: Environment, form: Any, title: str, lead: str
    ) -> HttpResponse:
        context: dict[str, Any] = {"form": form, "lead": lead, "verb": _("Show what will be done")}
        if form.is_valid():
            try:
                operation = preview.ask(environment, caller=caller_of(call), **form.cleaned_data)
            except EXPECTED as error:
                context["refusal"] = str(error)
            else:
                nudge(tasks.perform_operation, operation.pk)
                return HttpResponseRedirect(plan_address(operation))
        context["back"] = environment_address(environment)
        return page(self, call, "opsconsole/deed.html", title, environment, **context)

    def plan_view(self, call: HttpRequest, pk: int, key: int) -> HttpResponse:
        """The plan as it comes; then POST with the typed code asks for the deployment."""
        environment = self.operated(call, pk)
        plans = environment.operations.filter(kind=Operation.Kind.PLAN)
        operation = get_object_or_404(plans, pk=key)
        arguments = operation.arguments
        is_ready = operation.status == Operation.Status.DONE
        is_old = is_ready and operation.requested_at < now() - YOUNG
        context = {
            "operation": operation,
            "alive": states.is_alive(operation),
            "lines": operation.output.splitlines()[:-1],
            "replaced": operation.output.rpartition("\n")[2],
            "is_ready": is_ready and not is_old,
            "is_old": is_old,
            "version": arguments.get("version"),
            "maintenance": arguments.get("maintenance"),
            "goes_back": bool(arguments.get("release")),
            "again": plan_form_address(operation),
        }
        title = _("Deploy %(version)s into %(name)s?") % {
            "version": context["version"],
            "name": environment.code,
        }
        if not context["is_ready"]:
            return self._confirmation(call, environment, None, title, **context)

        def ask(release: Release | None, why: str) -> Deployment:
            return request.request(
                environment,
                caller=caller_of(call),
                version="" if release else str(arguments.get("version") or ""),
                bundle=str(arguments.get("bundle") or ""),
                release=release,
                maintenance=arguments.get("maintenance") is True,
                why=why,
            )

        form = ConfirmForm(environment, call.POST if call.method == "POST" else None)
        deployed = self._asked(form, context, lambda why: ask(preview.release_of(operation), why))
        return deployed or self._confirmation(call, environment, form, title, **context)

    def _lay_out(self, call: HttpRequest, environment: Environment) -> HttpResponse:
        """A first deployment creates everything; there is nothing that a plan could compare."""
        form = FirstForm(environment, call.POST if call.method == "POST" else None)
        context: dict[str, Any] = {"is_first": True}

        def ask(why: str) -> Deployment:
            wanted = {name: form.cleaned_data[name] for name in ("version", "bundle")}
            return request.request(environment, caller=caller_of(call), why=why, **wanted)

        title = _("Lay out %s?") % environment.code
        deployed = self._asked(form, context, ask)
        return deployed or self._confirmation(call, environment, form, title, **context)

    def _asked(
        self, form: Any, context: dict[str, Any], ask: Callable[[str], Deployment]
    ) -> HttpResponse | None:
        """To the page of the deployment; None, with the refusal in the context, where it is not."""
        if not form.is_valid():
            return None
        try:
            deployment = ask(form.cleaned_data["why"].strip())
        except EXPECTED as error:
            context["refusal"] = str(error)
            return None
        nudge(tasks.start_deployment, deployment.pk)
        address = reverse("admin:opsconsole_deployment_change", args=[deployment.pk])
        return HttpResponseRedirect(address)

    def _confirmation(
        self, call: HttpRequest, environment: Environment, form: Any, title: str, **context: Any
    ) -> HttpResponse:
        context |= {
            "form": form,
            "soak": words.duration(settings.SOAK_SECONDS),
            "back": environment_address(environment),
        }
        return page(self, call, "opsconsole/plan.html", title, environment, **context)


class FirstForm(WhatForm, ConfirmForm):
    """The version at which an environment is laid out."""

    field_order = ("version", "bundle", "why", "typed")


def _earlier(environment: Environment) -> int | None:
    try:
        return rollback.earlier(environment).pk
    except Refused:
        return None


def plan_address(operation: Operation) -> str:
    """The address of the page with the plan."""
    return reverse(
        "admin:opsconsole_environment_plan", args=[operation.environment_id, operation.pk]
    )


def plan_form_address(operation: Operation) -> str:
    """The address at which another plan is asked for."""
    name = "roll_back" if operation.arguments.get("release") else "roll_out"
    return reverse(f"admin:opsconsole_environment_{name}", args=[operation.environment_id])

"""What an operator does to a running environment at once: each is an operation for the worker."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from opsconsole import tasks
from opsconsole.admin import seen
from opsconsole.admin.backup_actions import EXPECTED
from opsconsole.admin.environment_forms import LogsForm, RestartForm, RunForm, ScaleForm
from opsconsole.admin.environment_page import EnvironmentPage
from opsconsole.callers import caller_of
from opsconsole.environments import operate, restarts
from opsconsole.environments.performing import moment
from opsconsole.models import Environment, Operation
from pmscoring.base.admin.pages import page
from pmscoring.base.nudges import nudge
from pmscoring.base.refusals import Refused

View = Callable[..., HttpResponseBase]
Ask = Callable[[Any], Operation]


class EnvironmentDeeds(EnvironmentPage):
    """The pages below that of an environment."""

    def views(self) -> dict[str, View]:
        """The views below the page of an environment, by the last part of their address."""
        return {
            "restart": self.restart_view,
            "scale": self.scale_view,
            "run": self.run_view,
            "logs": self.logs_view,
        }

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<int:pk>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(view),
                name=f"opsconsole_environment_{name}",
            )
            for name, view in self.views().items()
        ]
        return [*pages, *super().get_urls()]

    def restart_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET says what a restart means; POST asks for it."""
        environment = self.operated(request, pk)
        replica = seen.replica(environment, request.GET.get("replica", ""))
        if replica is None:
            self.message_failure(request, LookupError(_("There is no such replica any more.")))
            return to_environment(environment)
        if replica.stays:
            self.message_failure(request, Refused(replica.stays))
            return to_environment(environment)
        rests = restarts.rests(replica.service, seen.beside(environment, replica))
        form = RestartForm(rests, request.POST if request.method == "POST" else None)

        def ask(wanted: Any) -> Operation:
            return operate.restart(
                environment, replica.id, caller=caller_of(request), why=wanted["why"].strip()
            )

        title = _("Restart %s?") % replica.name
        lead = _("It finishes what it has begun and starts again.")
        if not rests:
            lead += " " + _("Other replicas of the service go on meanwhile, and nobody notices.")
        variant = "danger" if rests else "primary"
        return self.asked(
            request, environment, form, ask, title=title, lead=lead, verb=_("Restart"),
            variant=variant,
        )  # fmt: skip

    def scale_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A form for the number of replicas."""
        environment = self.operated(request, pk)
        form = ScaleForm(environment, request.POST if request.method == "POST" else None)

        def ask(wanted: Any) -> Operation:
            return operate.scale(
                environment,
                wanted["service"],
                wanted["replicas"],
                caller=caller_of(request),
                why=wanted["why"].strip(),
                lasting=form.lasting,
            )

        lead = _(
            "More replicas start beside those that run. Of fewer, those that go finish what they"
            " have begun."
        )
        return self.asked(
            request, environment, form, ask, title=_("Scale a service"), lead=lead, verb=_("Scale")
        )

    def run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A form for one of the allowed commands."""
        environment = self.operated(request, pk)
        form = RunForm(request.POST if request.method == "POST" else None)

        def ask(wanted: Any) -> Operation:
            return operate.run(
                environment,
                wanted["command"],
                wanted["words"],
                caller=caller_of(request),
                why=wanted["why"].strip(),
            )

        lead = _(
            "It runs in a container of its own, for half an hour at most. These commands look, or"
            " make a copy; none of them changes marks, accounts or settings."
        )
        return self.asked(
            request, environment, form, ask, title=_("Run a command"), lead=lead, verb=_("Run")
        )

    def logs_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A form for the lines of a replica; `follow` and `since` come from the page of lines."""
        environment = self.operated(request, pk)
        wanted = request.POST if request.method == "POST" else None
        form = LogsForm(environment, wanted, initial={"replica": request.GET.get("replica", "")})

        def ask(wanted: Any) -> Operation:
            return operate.logs(
                environment,
                wanted["replica"],
                caller=caller_of(request),
                tail=wanted["tail"],
                since=moment(request.POST.get("since", "")),
                search=wanted["search"].strip(),
            )

        lead = _("Passwords, keys and tokens are taken out before a line is shown or kept.")
        return self.asked(
            request, environment, form, ask, title=_("Logs"), lead=lead, verb=_("Read")
        )

    def operated(self, request: HttpRequest, pk: int) -> Environment:
        """The environment; raises PermissionDenied for those who do not operate."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        return get_object_or_404(Environment.objects.kept(), pk=pk)

    def asked(
        self,
        request: HttpRequest,
        environment: Environment,
        form: Any,
        ask: Ask,
        **context: Any,
    ) -> HttpResponse:
        """The form; once it is valid, the page of the operation that was asked for."""
        if form.is_valid():
            try:
                operation = ask(form.cleaned_data)
            except EXPECTED as error:
                context["refusal"] = str(error)
            else:
                nudge(tasks.perform_operation, operation.pk)
                return to_operation(operation, bool(form.cleaned_data.get("follow")))
        context |= {"form": form, "back": environment_address(environment)}
        title = context.pop("title")
        return page(self, request, "opsconsole/deed.html", title, environment, **context)


def environment_address(environment: Environment) -> str:
    """The address of the environment's page."""
    return reverse("admin:opsconsole_environment_change", args=[environment.pk])


def to_environment(environment: Environment) -> HttpResponse:
    """Back to the page of the environment."""
    return HttpResponseRedirect(environment_address(environment))


def to_operation(operation: Operation, follow: bool = False) -> HttpResponse:
    """To the page of the operation; `follow` lets its script read on."""
    address = reverse("admin:opsconsole_operation_change", args=[operation.pk])
    return HttpResponseRedirect(f"{address}?follow=1" if follow else address)

"""What an operator does with a deployment under way: approve it, cancel it, break its lock."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from opsconsole import tasks
from opsconsole.admin.backup_actions import EXPECTED
from opsconsole.admin.deployment_page import BEFORE_ROLLING, DeploymentPage
from opsconsole.admin.roll_out_forms import ConfirmForm, ReasonForm
from opsconsole.callers import caller_of
from opsconsole.deployments import cancel, recovery, request
from opsconsole.models import Deployment
from pmscoring.base.admin.pages import confirmation, page
from pmscoring.base.nudges import nudge


class DeploymentDeeds(DeploymentPage):
    """The pages below that of a deployment."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponseBase]] = {
            "approve": self.approve_view,
            "cancel": self.cancel_view,
            "break_lock": self.break_lock_view,
        }
        pages = [
            path(
                f"<int:pk>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(view),
                name=f"opsconsole_deployment_{name}",
            )
            for name, view in views.items()
        ]
        return [*pages, *super().get_urls()]

    def approve_view(self, call: HttpRequest, pk: int) -> HttpResponse:
        """GET says who asks for what; POST with the typed code lets a worker take it up."""
        deployment = self._operated(call, pk)
        form = ConfirmForm(deployment.environment, call.POST if call.method == "POST" else None)

        def approve(wanted: dict[str, Any]) -> None:
            request.approve(deployment, caller=caller_of(call), why=wanted["why"].strip())
            nudge(tasks.start_deployment, deployment.pk)

        names = {
            "who": deployment.requested_by or "–",
            "version": deployment.version,
            "name": deployment.environment.code,
        }
        lead = _(
            "%(who)s asks to deploy %(version)s into %(name)s. Once you approve, a worker fetches"
            " the images, makes a verified backup if the database is migrated, and replaces one"
            " service after another. You can cancel at each step."
        )
        context = {"lead": lead % names, "verb": _("Approve"), "title": _("Approve?")}
        return self._done(call, deployment, form, approve, **context)

    def break_lock_view(self, call: HttpRequest, pk: int) -> HttpResponse:
        """GET says what it means; POST with a reason lets a worker take over at once."""
        deployment = self._operated(call, pk)
        form = ReasonForm(call.POST if call.method == "POST" else None)

        def break_lock(wanted: dict[str, Any]) -> None:
            recovery.break_lock(deployment, caller=caller_of(call), reason=wanted["why"])
            nudge(tasks.sweep_deployments)

        lead = _(
            "Whoever drives this deployment loses it, and touches nothing any more. A worker takes"
            " it over at once: it finishes what was judged to be good, and takes back everything"
            " else. Do this only if it stands still."
        )
        context = {"lead": lead, "verb": _("Break the lock"), "title": _("Break the lock?")}
        return self._done(call, deployment, form, break_lock, **context)

    def cancel_view(self, call: HttpRequest, pk: int) -> HttpResponse:
        """GET says what becomes of it; POST cancels."""
        deployment = self._operated(call, pk)
        back, refusal = deployment_address(deployment), ""
        if call.method == "POST":
            try:
                cancel.cancel(deployment, caller=caller_of(call))
            except EXPECTED as error:
                refusal = str(error)
            else:
                return HttpResponseRedirect(back)
        meaning = (
            _("Nothing that serves was touched so far: it ends, and everything stays as it is.")
            if deployment.status in BEFORE_ROLLING
            else _("Something was replaced already: it goes back to the version before.")
        )
        title = _("Cancel this deployment?")
        return confirmation(
            self, call, title, deployment, meaning=meaning, back=back, refusal=refusal
        )

    def _operated(self, call: HttpRequest, pk: int) -> Deployment:
        """The deployment; raises PermissionDenied for those who do not operate."""
        if not self.has_operate_permission(call):
            raise PermissionDenied
        return get_object_or_404(Deployment.objects.select_related("environment"), pk=pk)

    def _done(
        self,
        call: HttpRequest,
        deployment: Deployment,
        form: Any,
        do: Callable[[dict[str, Any]], None],
        *,
        title: str,
        **context: Any,
    ) -> HttpResponse:
        """The form; once it is valid, the deed, and back to the page of the deployment."""
        back = deployment_address(deployment)
        if form.is_valid():
            try:
                do(form.cleaned_data)
            except EXPECTED as error:
                context["refusal"] = str(error)
            else:
                return HttpResponseRedirect(back)
        context |= {"form": form, "back": back}
        return page(self, call, "opsconsole/deed.html", title, deployment, **context)


def deployment_address(deployment: Deployment) -> str:
    """The address of the deployment's page."""
    return reverse("admin:opsconsole_deployment_change", args=[deployment.pk])

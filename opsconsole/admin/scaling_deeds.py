"""What an operator does with a policy: pause it, set a number by hand, let it act, change it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from opsconsole import tasks
from opsconsole.admin import scaling_preview, scaling_words
from opsconsole.admin.backup_actions import EXPECTED
from opsconsole.admin.scaling_forms import (
    ConfirmationForm,
    DryRunForm,
    HandForm,
    NewPolicyForm,
    PauseForm,
    PolicyForm,
)
from opsconsole.admin.scaling_page import PolicyPage
from opsconsole.callers import caller_of
from opsconsole.environments import operate
from opsconsole.models import ScalingPolicy
from opsconsole.scaling import defaults, pausing, policies
from pmscoring.base.admin.pages import page
from pmscoring.base.nudges import nudge

Deed = Callable[[Any], object]
LIST = "admin:opsconsole_scalingpolicy_changelist"
EDITED = "opsconsole/policy_form.html"


class PolicyDeeds(PolicyPage):
    """The pages below that of a policy."""

    def views(self) -> dict[str, Callable[..., HttpResponseBase]]:
        """The views below the page of a policy, by the last part of their address."""
        return {
            "pause": self.pause_view,
            "resume": self.resume_view,
            "by_hand": self.by_hand_view,
            "give_back": self.give_back_view,
            "dry_run": self.dry_run_view,
            "edit": self.edit_view,
            "remove": self.remove_view,
        }

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<int:pk>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(view),
                name=f"opsconsole_scalingpolicy_{name}",
            )
            for name, view in self.views().items()
        ]
        return [*pages, *super().get_urls()]

    def pause_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Until when, and why."""
        policy = self.operated(request, pk)
        form = PauseForm(request.POST if request.method == "POST" else None)

        def deed(wanted: Any) -> None:
            pausing.pause(policy, form.until, wanted["why"], caller=caller_of(request))

        lead = _(
            "While it is paused it goes on looking and deciding, so the chart lives, and changes"
            " nothing. The replicas stay as they are."
        )
        title = _("Pause the scaling of %s?") % policy.service
        return self.asked(request, policy, form, deed, title=title, lead=lead, verb=_("Pause"))

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST ends a pause before its time."""
        policy = self.operated(request, pk)
        return self.at_once(
            request, policy, lambda: pausing.resume(policy, caller=caller_of(request))
        )

    def by_hand_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A number of replicas for a time: an operation, whose page comes next."""
        policy = self.operated(request, pk)
        form = HandForm(policy, request.POST if request.method == "POST" else None)

        def deed(wanted: Any) -> None:
            self._scale(
                request, policy, wanted["replicas"], wanted["why"].strip(), wanted["lasting"]
            )

        lead = _(
            "The number holds for this time, whatever the load is; only an exam window raises it."
            " After it the policy decides again."
        )
        title = _("Set the replicas of %s by hand?") % policy.service
        return self.asked(request, policy, form, deed, title=title, lead=lead, verb=_("Set"))

    def give_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST puts the number back that was there before somebody set one for a time."""
        policy = self.operated(request, pk)

        def deed() -> None:
            operation = operate.give_back(
                policy.environment,
                policy.service,
                caller=caller_of(request),
                why=_("put back before its time"),
            )
            nudge(tasks.perform_operation, operation.pk)

        return self.at_once(request, policy, deed)

    def dry_run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET says what it would do now; POST lets it act, or no longer act."""
        policy = self.operated(request, pk)
        shown = {"acts": "yes" if policy.dry_run else "no"}
        form = DryRunForm(request.POST if request.method == "POST" else None, initial=shown)

        def deed(wanted: Any) -> None:
            policy.dry_run = wanted["acts"] == "no"
            policies.save(policy, caller=caller_of(request), names=["dry_run"])

        last = policy.decisions.first() if policy.dry_run else None
        sentences = scaling_words.sentences(last) if last else []
        return self.asked(
            request,
            policy,
            form,
            deed,
            template="opsconsole/policy_dry_run.html",
            details=sentences,
            **_of_dry_run(policy),
        )

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form: first a preview of what is changed, then Save."""
        policy = self.operated(request, pk)
        return self._edited(request, policy, _("Change the scaling of %s") % policy.service)

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET says what goes with it; POST removes it."""
        policy = self.operated(request, pk)
        form = ConfirmationForm(request.POST if request.method == "POST" else None)

        def deed(_wanted: Any) -> None:
            policies.remove(policy, caller=caller_of(request))

        lead = _(
            "Its decisions and its chart go with it, and nobody scales the service any more. The"
            " replicas stay as they are."
        )
        title = _("Remove the scaling policy of %s?") % policy.service
        context = {"title": title, "lead": lead, "verb": _("Remove"), "variant": "danger"}
        return self.asked(request, policy, form, deed, after=LIST, **context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A new policy of a service that has none; it begins in dry run."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        form = NewPolicyForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            policy = defaults.usual(**form.cleaned_data)
            policies.save(policy, caller=caller_of(request))
            address = reverse("admin:opsconsole_scalingpolicy_edit", args=[policy.pk])
            return HttpResponseRedirect(address)
        context = {
            "form": form,
            "back": reverse(LIST),
            "verb": _("Add"),
            "lead": _(
                "It begins in dry run with usual rules, which you see and change on the next page."
            ),
        }
        title = _("Add a scaling policy")
        return page(self, request, "opsconsole/deed.html", title, None, **context)

    def operated(self, request: HttpRequest, pk: int) -> ScalingPolicy:
        """The policy; raises PermissionDenied for those who do not operate."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        return get_object_or_404(ScalingPolicy.objects.select_related("environment"), pk=pk)

    def asked(
        self,
        request: HttpRequest,
        policy: ScalingPolicy,
        form: Any,
        deed: Deed,
        *,
        title: str,
        template: str = "opsconsole/deed.html",
        after: str = "",
        **context: Any,
    ) -> HttpResponse:
        """The form; once it is valid and the deed is done, the page of the policy, or `after`."""
        if form.is_valid():
            try:
                deed(form.cleaned_data)
            except (*EXPECTED, ValidationError) as error:
                context["refusal"] = _written(error)
            else:
                return HttpResponseRedirect(reverse(after)) if after else to_policy(policy)
        context |= {"form": form, "back": policy_address(policy)}
        return page(self, request, template, title, policy, **context)

    def at_once(
        self, request: HttpRequest, policy: ScalingPolicy, deed: Callable[[], object]
    ) -> HttpResponse:
        """Do it for a POST; back to the policy, with the reason where it was refused."""
        if request.method == "POST":
            try:
                deed()
            except EXPECTED as error:
                self.message_failure(request, error)
        return to_policy(policy)

    def _scale(
        self,
        request: HttpRequest,
        policy: ScalingPolicy,
        replicas: Any,
        why: str,
        lasting: timedelta | None = None,
    ) -> None:
        operation = operate.scale(
            policy.environment,
            policy.service,
            replicas,
            caller=caller_of(request),
            why=why,
            lasting=lasting,
        )
        nudge(tasks.perform_operation, operation.pk)

    def _edited(self, request: HttpRequest, policy: ScalingPolicy, title: str) -> HttpResponse:
        form = PolicyForm(policy, request.POST if request.method == "POST" else None)
        context: dict[str, Any] = {"form": form, "back": policy_address(policy)}
        if request.method == "POST" and form.is_valid():
            if request.POST.get("previewed") == form.fingerprint() and "_save" in request.POST:
                try:
                    form.save(caller_of(request))
                except EXPECTED as error:
                    form.problems[""] = [str(error)]
                    return page(self, request, EDITED, title, policy, **context)
                return to_policy(policy)
            present = ScalingPolicy.objects.select_related("environment").get(pk=policy.pk)
            context["preview"] = scaling_preview.preview(present, policy)
            context["changed_since"] = "_save" in request.POST
        return page(self, request, EDITED, title, policy, **context)


def policy_address(policy: ScalingPolicy) -> str:
    """The address of the policy's page."""
    return reverse("admin:opsconsole_scalingpolicy_change", args=[policy.pk])


def to_policy(policy: ScalingPolicy) -> HttpResponse:
    """Back to the page of the policy."""
    return HttpResponseRedirect(policy_address(policy))


def _of_dry_run(policy: ScalingPolicy) -> dict[str, str]:
    """What the page says that ends a dry run, or begins one."""
    if not policy.dry_run:
        return {
            "title": _("Let the scaling of %s act no longer?") % policy.service,
            "verb": _("Dry run"),
            "lead": _(
                "It goes on deciding, and says what it would do. The replicas stay as they are"
                " until somebody changes them."
            ),
        }
    return {
        "title": _("Let the scaling of %s act?") % policy.service,
        "verb": _("Let it act"),
        "lead": _(
            "From the next decision on, within 15 seconds, it changes the number of replicas"
            " itself, within %(least)d to %(most)d. You can pause it at any time."
        )
        % {"least": policy.least, "most": policy.most},
    }


def _written(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)

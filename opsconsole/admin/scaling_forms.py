"""The forms of a policy: its rules, a pause, and a number by hand for a time."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin import names, scaling_meanwhile, words
from opsconsole.admin.environment_forms import WhyField
from opsconsole.admin.scaling_meanwhile import Overtaken
from opsconsole.admin.scaling_rows import (
    MetricRows,
    RateRows,
    documents,
    initial_metric,
)
from opsconsole.environments import bounds
from opsconsole.models import Caller, Environment, ScalingPolicy
from opsconsole.scaling import checks, policies
from pmscoring.base.admin import theme
from pmscoring.base.admin.meanwhile import refusal
from pmscoring.base.admin.parts import written

TIMES = (15, 30, 60, 120, 240, 480, 1440)
"""Minutes for which a policy is paused, or a number is set by hand."""
PERCENT = 100.0


def seconds_field(label: Any, help_text: Any) -> forms.IntegerField:
    """A time in seconds."""
    return forms.IntegerField(
        label=label,
        min_value=0,
        max_value=checks.LONGEST,
        widget=theme.NumberInput,
        help_text=help_text,
    )


class RulesForm(forms.Form):
    """The single values of a policy; metrics and rates are rows of their own."""

    least = forms.IntegerField(
        label=gettext_lazy("Least replicas"),
        min_value=1,
        widget=theme.NumberInput,
        help_text=gettext_lazy("Kept at any time, also at night. It is brought about at once."),
    )
    most = forms.IntegerField(
        label=gettext_lazy("Most replicas"), min_value=1, widget=theme.NumberInput
    )
    tolerance = forms.FloatField(
        label=gettext_lazy("Tolerance (%)"),
        min_value=0,
        max_value=90,
        widget=theme.NumberInput(attrs={"step": "any"}),
        help_text=gettext_lazy("So far from the target a metric changes nothing. Usually 10."),
    )
    up_window = seconds_field(
        gettext_lazy("More only after (seconds)"),
        gettext_lazy("So long more must be wanted all the time. Usually 0: at once."),
    )
    down_window = seconds_field(
        gettext_lazy("Fewer only after (seconds)"),
        gettext_lazy("So long fewer must be wanted all the time. Usually 300."),
    )
    warm_up = seconds_field(
        gettext_lazy("Warm-up (seconds)"),
        gettext_lazy("So long after its start the CPU of a replica does not count."),
    )
    cooldown = seconds_field(
        gettext_lazy("Cooldown (seconds)"),
        gettext_lazy("So long after a deployment or a change by hand nothing is changed."),
    )
    behaviour = forms.ChoiceField(
        label=gettext_lazy("How changes are bounded"),
        choices=ScalingPolicy.Behaviour.choices,
        widget=theme.Select,
        help_text=gettext_lazy(
            "The second is the plain form of Kubernetes: it ignores the times and rates upwards."
        ),
    )


class PolicyForm:
    """All parts of a policy's form together, and the policy that they describe.

    `policy` is changed in memory only; whoever previews it saves nothing.
    """

    def __init__(self, policy: ScalingPolicy, data: Any = None) -> None:
        self.policy = policy
        self.base = policies.fingerprint(policy)
        """Which rules the page was compared with: others may still save before this is."""
        self._bind(None)
        shown = scaling_meanwhile.shown(self._fields())
        self.read = written(shown)
        """What the page shows, which it sends back: somebody else may change it meanwhile."""
        self.overtaken = Overtaken(data)
        if data is not None:
            self.overtaken = scaling_meanwhile.compare(policy, data, shown, self.rules)
            self._bind(self.overtaken.data)
        self.problems: dict[str, list[str]] = {}
        """What is wrong with a whole list: by `metrics`, `up_rates`, `down_rates` and "" """

    def _bind(self, data: Any) -> None:
        policy = self.policy
        self.rules = RulesForm(data, initial=_initial(policy))
        # A row that was left as it is must be cleaned, too: what it says is part of the policy.
        rows: dict[str, Any] = {"form_kwargs": {"empty_permitted": False}}
        metrics = [initial_metric(row) for row in policy.metrics]
        self.metrics = MetricRows(data, prefix="metric", initial=metrics, **rows)
        self.up = RateRows(data, prefix="up", initial=policy.up_rates, **rows)
        self.down = RateRows(data, prefix="down", initial=policy.down_rates, **rows)

    def _fields(self) -> Iterator[Any]:
        yield from self.rules
        for rows in (self.metrics, self.up, self.down):
            for form in (rows.management_form, *rows.forms):
                yield from form

    def is_valid(self) -> bool:
        """Whether all of it can be saved; each error is at its field."""
        if self.overtaken.changes:
            self.problems[""] = [refusal()]
            return False
        parts = (self.rules, self.metrics, self.up, self.down)
        # All of them, so that no error waits until another is mended.
        if False in [part.is_valid() for part in parts]:
            return False
        self._fill()
        try:
            policies.check(self.policy)
        except ValidationError as error:
            self._report(error)
        return self.rules.is_valid() and not self.problems

    @property
    def has_errors(self) -> bool:
        """Whether a field has one, once it is_valid was asked."""
        parts: tuple[Any, ...] = (self.rules, self.metrics, self.up, self.down)
        return any(part.is_bound and not part.is_valid() for part in parts)

    def fingerprint(self) -> str:
        """Which rules these are, to see whether they were changed after their preview."""
        return policies.fingerprint(self.policy)

    def save(self, caller: Caller) -> None:
        """Write what the form has; raises Refused where others were saved since it was opened."""
        names = [name for name in policies.RULES if name != "dry_run"]
        policies.save(self.policy, caller=caller, names=names, read=self.base)

    def _fill(self) -> None:
        given = dict(self.rules.cleaned_data)
        given["tolerance"] = given["tolerance"] / PERCENT
        for name, value in given.items():
            setattr(self.policy, name, value)
        self.policy.metrics = documents(self.metrics)
        self.policy.up_rates = documents(self.up)
        self.policy.down_rates = documents(self.down)

    def _report(self, error: ValidationError) -> None:
        by_field: Mapping[str, Any] = (
            error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        )
        for name, messages in by_field.items():
            if name in self.rules.fields:
                self.rules.add_error(name, messages)
            else:
                place = name if name in ("metrics", "up_rates", "down_rates") else ""
                self.problems.setdefault(place, []).extend(messages)


def _initial(policy: ScalingPolicy) -> dict[str, Any]:
    values = {name: getattr(policy, name) for name in RulesForm.base_fields}
    return {**values, "tolerance": f"{policy.tolerance * PERCENT:.4g}"}


class NewPolicyForm(forms.Form):
    """Which service gets a policy."""

    environment = forms.ModelChoiceField(
        label=capfirst(gettext_lazy("environment")),
        queryset=Environment.objects.none(),
        widget=theme.Select,
    )
    service = forms.ChoiceField(
        label=capfirst(gettext_lazy("service")),
        choices=lambda: [(name, names.service(name)) for name in bounds.MOST],
        widget=theme.Select,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["environment"]
        field.queryset = Environment.objects.kept()
        field.initial = Environment.objects.filter(is_here=True).first()

    def clean_service(self) -> str:
        """One policy for each service, and of what has replicas alone."""
        service: str = self.cleaned_data["service"]
        environment = self.cleaned_data.get("environment")
        if environment and bounds.most(service, environment.engine) < 2:
            raise ValidationError(_("%s runs once: there is nothing to scale.") % service)
        if ScalingPolicy.objects.filter(environment=environment, service=service).exists():
            raise ValidationError(_("This service has a policy already."))
        return service


class TimeField(forms.TypedChoiceField):
    """For how long, in choices that a person understands; its value is the time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            choices=lambda: [(str(minutes), _written(minutes)) for minutes in TIMES],
            coerce=lambda value: timedelta(minutes=int(value)),
            widget=theme.Select,
            **{"label": gettext_lazy("For how long"), "initial": "60", **options},
        )


def _written(minutes: int) -> str:
    if minutes < 60:
        return _("%d minutes") % minutes
    return words.hours(minutes // 60) if minutes > 60 else _("1 hour")


class PauseForm(forms.Form):
    """For how long a policy does nothing, and why."""

    lasting = TimeField(help_text=gettext_lazy("Then it acts again by itself."))
    why = WhyField(
        required=True, help_text=gettext_lazy("The page of the policy and the event show it.")
    )

    @property
    def until(self) -> Any:
        """When the pause ends."""
        return now() + self.cleaned_data["lasting"]


class HandForm(forms.Form):
    """A number of replicas for a time."""

    replicas = forms.IntegerField(
        label=capfirst(gettext_lazy("replicas")), min_value=1, widget=theme.NumberInput
    )
    lasting = TimeField(
        help_text=gettext_lazy("Then the present number is put back, and the policy decides.")
    )
    why = WhyField()

    def __init__(self, policy: ScalingPolicy, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        last = policy.decisions.first()
        self.fields["replicas"].initial = last.current if last else policy.least
        self.fields["replicas"].help_text = _(
            "1 to %(most)d. The bounds of the policy do not hold meanwhile."
        ) % {"most": bounds.most(policy.service, policy.environment.engine)}


class DryRunForm(forms.Form):
    """Whether it acts: as the page asked, so that a second click does not undo the first."""

    acts = forms.ChoiceField(choices=[("yes", ""), ("no", "")], widget=forms.HiddenInput)


class ConfirmationForm(forms.Form):
    """Nothing to enter: to send it is to confirm."""

"""The rows of a policy's form: a metric with its target, a rate. What is left empty is no row."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.scaling import checks
from opsconsole.scaling.shapes import Basis, Kind, Unit
from pmscoring.base.admin import theme

SPARE_METRICS, SPARE_RATES = 2, 1
"""Empty rows below those that a policy has."""
Document = dict[str, Any]


def kind_choices() -> list[tuple[str, str]]:
    """What can be measured, each with the unit of its target."""
    return [
        ("", _("no metric")),
        (Kind.CPU, _("CPU: % of its limit, mean of all replicas")),
        (Kind.REQUESTS, _("requests a second that one replica is to answer")),
        (Kind.LATENCY, _("response time in ms that 95 of 100 requests keep")),
        (Kind.WAITING, _("waiting answers that one replica is to have")),
        (Kind.OLDEST, _("seconds that the oldest answer may wait")),
        (Kind.QUERY, _("an expression of Prometheus")),
    ]


def basis_choices() -> list[tuple[str, str]]:
    """How the value of an expression counts; that of any other metric is known."""
    return [
        (Basis.TOTAL, _("a total, which the replicas share")),
        (Basis.AVERAGE, _("of one replica, or the same for each")),
    ]


class MetricForm(forms.Form):
    """One metric."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Measure"), choices=kind_choices, required=False, widget=theme.Select
    )
    target = forms.FloatField(
        label=gettext_lazy("Target"),
        min_value=0,
        required=False,
        widget=theme.NumberInput(attrs={"step": "any"}),
    )
    basis = forms.ChoiceField(
        label=gettext_lazy("Counts as"), choices=basis_choices, required=False, widget=theme.Select
    )
    query = forms.CharField(
        label=gettext_lazy("Expression of Prometheus"),
        max_length=checks.LONGEST_QUERY,
        required=False,
        widget=theme.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Only for such a metric; it must give one number."),
    )
    after = forms.IntegerField(
        label=gettext_lazy("When it fails so often running"),
        min_value=0,
        required=False,
        widget=theme.NumberInput,
        help_text=gettext_lazy("Empty: then the number is only held."),
    )
    replicas = forms.IntegerField(
        label=gettext_lazy("then at least so many replicas"),
        min_value=1,
        required=False,
        widget=theme.NumberInput,
    )

    def clean(self) -> dict[str, Any]:
        """A metric has a target; a fallback has both its numbers."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not given.get("kind"):
            return given
        if given.get("target") is None and "target" not in self.errors:
            self.add_error("target", _("Enter the target of this metric."))
        if given["kind"] == Kind.QUERY and not given.get("query", "").strip():
            self.add_error("query", _("Enter the expression."))
        if (given.get("after") is None) != (given.get("replicas") is None):
            self.add_error("replicas", _("Enter both numbers, or neither."))
        return given

    @property
    def has_more(self) -> bool:
        """Whether something stands in the fields that few metrics need, or is wrong there."""
        names = ("after", "replicas", "query")
        return any(self[name].value() not in (None, "") or self[name].errors for name in names)

    def document(self) -> Document | None:
        """The metric as the policy keeps it; None for an empty row."""
        given = self.cleaned_data
        if not given.get("kind"):
            return None
        kind = Kind(given["kind"])
        share = 100.0 if kind is Kind.CPU else 1.0
        row: Document = {
            "kind": kind.value,
            "target": given["target"] / share,
            "basis": _basis(kind, given["basis"]),
        }
        if kind is Kind.QUERY:
            row["query"] = given["query"].strip()
        if given.get("after") is not None:
            row["fallback"] = {"after": given["after"], "replicas": given["replicas"]}
        return row


def _basis(kind: Kind, given: str) -> str:
    possible = checks.BASES[kind]
    return str(next(iter(possible))) if len(possible) == 1 else given or Basis.TOTAL.value


def initial_metric(metric: Mapping[str, Any]) -> Document:
    """What the form shows of a metric of a policy."""
    fallback = metric.get("fallback") or {}
    share = 100.0 if metric.get("kind") == Kind.CPU else 1.0
    target = metric.get("target")
    return {
        "kind": metric.get("kind"),
        "target": None if target is None else _plain(round(target * share, 6)),
        "basis": metric.get("basis"),
        "query": metric.get("query", ""),
        "after": fallback.get("after"),
        "replicas": fallback.get("replicas"),
    }


def _plain(number: float) -> float:
    """Without a fraction that says nothing."""
    return int(number) if number == int(number) else number


class RateForm(forms.Form):
    """One rate."""

    value = forms.IntegerField(
        label=gettext_lazy("At most"), min_value=1, required=False, widget=theme.NumberInput
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"),
        choices=lambda: [(Unit.REPLICAS, _("replicas")), (Unit.PERCENT, _("% of the replicas"))],
        required=False,
        widget=theme.Select,
    )
    seconds = forms.IntegerField(
        label=gettext_lazy("within seconds"),
        min_value=1,
        required=False,
        widget=theme.NumberInput,
    )

    def clean(self) -> dict[str, Any]:
        """A rate has a number and a time."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if (given.get("value") is None) != (given.get("seconds") is None) and not self.errors:
            self.add_error("seconds", _("Enter both numbers, or neither."))
        return given

    def document(self) -> Document | None:
        """The rate as the policy keeps it; None for an empty row."""
        given = self.cleaned_data
        if given.get("value") is None:
            return None
        unit = given["unit"] or Unit.REPLICAS.value
        return {"unit": unit, "value": given["value"], "seconds": given["seconds"]}


MetricRows = forms.formset_factory(
    MetricForm, extra=SPARE_METRICS, max_num=checks.MOST_METRICS, absolute_max=20
)
RateRows = forms.formset_factory(
    RateForm, extra=SPARE_RATES, max_num=checks.MOST_RATES, absolute_max=10
)


def documents(rows: Iterable[Any]) -> list[Document]:
    """Of those rows that are not empty."""
    return [document for row in rows if (document := row.document())]

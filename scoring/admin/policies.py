"""The marking policy, as part of the exam's page."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import StackedInline
from scoring.admin import flags
from scoring.models import Exam, MarkingPolicy


def _flags() -> list[tuple[str, str]]:
    return [(code, flags.name(code)) for code in flags.NAMES]


class PolicyForm(theme.ModelForm):
    """The policy, with the flags to tick."""

    harmless_flags = forms.MultipleChoiceField(
        label=capfirst(_("flags with which the machine's mark may be final")),
        choices=_flags,
        required=False,
        widget=theme.CheckboxSelectMultiple,
        help_text=_("Answers with any other flag are marked by people, before all others."),
    )

    class Meta:
        model = MarkingPolicy
        exclude = ("exam",)


class PolicyInline(StackedInline):
    """The exam's marking policy; an exam without one is marked by the defaults."""

    model = MarkingPolicy
    form = PolicyForm
    can_delete = False
    fieldsets = (
        (_("Markers"), {"fields": (("readings", "tolerance"), ("settling", "lease_minutes"))}),
        (
            _("The machine"),
            {
                "fields": (
                    ("shown", "machine_final"),
                    ("target_agreement", "audit_rate"),
                    "harmless_flags",
                )
            },
        ),
        (_("Near the pass line"), {"fields": (("pass_line", "pass_margin"),)}),
        (_("Reference answers"), {"fields": (("marker_bound", "reference_rate"),)}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        frozen = isinstance(obj, Exam) and obj.frozen
        return super().has_change_permission(request, obj) and not frozen

    has_add_permission = has_change_permission

"""The marking policy, as part of the exam's page."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin.classes import StackedInline
from scoring.models import Exam, MarkingPolicy


class PolicyInline(StackedInline):
    """The exam's marking policy; an exam without one is marked by the defaults."""

    model = MarkingPolicy
    can_delete = False
    fieldsets = (
        (_("Markers"), {"fields": (("readings", "tolerance"), ("settling", "lease_minutes"))}),
        (
            _("The machine"),
            {"fields": (("shown", "machine_final"), ("target_agreement", "audit_rate"))},
        ),
        (_("Near the pass line"), {"fields": (("pass_line", "pass_margin"),)}),
        (_("Reference answers"), {"fields": (("marker_bound", "reference_rate"),)}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        frozen = isinstance(obj, Exam) and obj.frozen
        return super().has_change_permission(request, obj) and not frozen

    has_add_permission = has_change_permission

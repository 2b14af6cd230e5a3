"""Backup plans: what runs when, what is kept, and whether the newest backup is young enough."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import schedules, states, words
from opsconsole.admin.backup_actions import request_backup
from opsconsole.admin.classes import Admin
from opsconsole.admin.plan_forms import PlanForm
from opsconsole.backups import plans
from opsconsole.callers import caller_of
from opsconsole.models import LOCAL, BackupPlan, Event
from pmscoring.base.admin import theme
from pmscoring.base.admin.labels import labels
from pmscoring.base.roles import has_role

WHAT_IS_KEPT = _(
    "Only verified backups count. The newest verified one is never removed, nor is one that is"
    " held; and nothing is removed while the newest backup is not verified."
)
MOST_SHOWN = 5


@admin.register(BackupPlan)
class BackupPlanAdmin(Admin):
    """Operators change plans; a plan that is no longer wanted is switched off, and not deleted."""

    form = PlanForm
    list_display = ("name", "state", "when", "next_run", "newest", "kept", "where")
    list_select_related = ("schedule",)
    change_form_outer_before_template = "opsconsole/plan_summary.html"
    fieldsets = (
        (None, {"fields": (("name", "enabled"), ("parts", "stores"), "recipients")}),
        (_("When"), {"fields": (("times", "at"), "days")}),
        (
            _("How long backups are kept"),
            {
                "fields": (("keep_last", "keep_daily"), ("keep_weekly", "keep_monthly")),
                "description": WHAT_IS_KEPT,
            },
        ),
        (_("Checks and messages"), {"fields": (("verify", "successes"), "most_hours")}),
    )

    class Media:
        css = {"all": ("opsconsole/backups.css",)}

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., HttpResponse] = self.admin_site.admin_view(self.run_view)
        run = path("<int:pk>/run/", view, name="opsconsole_backupplan_run")
        return [run, *super().get_urls()]

    def run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST asks for a backup as the plan has it, whether it is due or not."""
        plan = get_object_or_404(BackupPlan, pk=pk)
        if request.method == "POST" and self.has_operate_permission(request):
            backup = request_backup(self, request, plan=plan)
            if backup:
                address = reverse("admin:opsconsole_backup_change", args=[backup.pk])
                return HttpResponseRedirect(address)
        return HttpResponseRedirect(reverse("admin:opsconsole_backupplan_change", args=[pk]))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the plan, and record who changed what."""
        # A worker writes when the plan last started meanwhile, so not every column is written.
        columns = [field.name for field in obj._meta.fields if field.name in form.changed_data]
        obj.save(update_fields=[*columns, "schedule"] if change else None)
        changed = ", ".join(form.changed_data) if change else "all"
        Event.objects.record("plan.changed", obj, caller_of(request), changed=changed)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Add the context of opsconsole/plan_summary.html."""
        plan = self.get_object(request, object_id)
        context = _summary(plan) if isinstance(plan, BackupPlan) else {}
        context["may_operate"] = self.has_operate_permission(request)
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    @theme.display(description=_("state"))
    def state(self, plan: BackupPlan) -> SafeString:
        return health(plan)

    @theme.display(description=_("when"))
    def when(self, plan: BackupPlan) -> str:
        return schedules.in_words(plan.schedule)

    @theme.display(description=_("next"))
    def next_run(self, plan: BackupPlan) -> str:
        return states.when(plans.next_start(plan) if plan.enabled else None)

    @theme.display(description=_("newest verified data"))
    def newest(self, plan: BackupPlan) -> str:
        backup = plan.backups.newest_verified()
        if backup is None:
            return words.NOTHING
        address = reverse("admin:opsconsole_backup_change", args=[backup.pk])
        text = words.age(backup.snapshot_at)
        return format_html('<a class="pms-link" href="{}">{}</a>', address, text)

    @theme.display(description=_("kept"))
    def kept(self, plan: BackupPlan) -> str:
        return kept_in_words(plan)

    @theme.display(description=_("stores"))
    def where(self, plan: BackupPlan) -> str:
        return ", ".join(store_names(plan.stores))


def kept_in_words(plan: BackupPlan) -> str:
    """Such as `the last 3, 7 daily, 4 weekly, 6 monthly`."""
    numbers = {
        "last": plan.keep_last,
        "daily": plan.keep_daily,
        "weekly": plan.keep_weekly,
        "monthly": plan.keep_monthly,
    }
    return (
        gettext("the last %(last)d, %(daily)d daily, %(weekly)d weekly, %(monthly)d monthly")
        % numbers
    )


def store_names(stores: list[str]) -> list[str]:
    """The stores as people call them."""
    return [gettext("this server") if store == LOCAL else store for store in stores]


def health(plan: BackupPlan) -> SafeString:
    """Off, overdue, not run yet, or on time: in words and in colour."""
    if not plan.enabled:
        return labels([("default", gettext("off"))])
    if plans.is_overdue(plan):
        return labels([("danger", gettext("overdue"))])
    if plan.backups.newest_verified() is None:
        return labels([("warning", gettext("no verified backup yet"))])
    return labels([("success", gettext("on time"))])


def _summary(plan: BackupPlan) -> dict[str, Any]:
    return {
        "plan": plan,
        "health": health(plan),
        "when": schedules.in_words(plan.schedule),
        "next_run": plans.next_start(plan) if plan.enabled else None,
        "kept": kept_in_words(plan),
        "most": words.hours(plan.most_hours),
        "rows": [
            (row, states.live_state(row), words.size(row.bytes))
            for row in plan.backups.defer("manifest")[:MOST_SHOWN]
        ],
    }

"""Exam windows: while one holds, nothing is deployed, restored or pruned without a reason."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import states, words
from opsconsole.admin.classes import Admin
from opsconsole.admin.window_forms import FLOORS, WindowForm
from opsconsole.callers import caller_of
from opsconsole.environments import windows
from opsconsole.models import ExamWindow
from pmscoring.base.admin import theme
from pmscoring.base.roles import has_role

WHAT_IT_DOES = _(
    "While the window holds, deployments, restores and the removal of backups are refused, unless"
    " a reason is given; the event keeps that reason."
)
WHAT_FLOORS_DO = _(
    "While the window holds, nobody scales a service below this without a reason. Scale it up"
    " beforehand."
)


@admin.register(ExamWindow)
class ExamWindowAdmin(Admin):
    """Operators change windows, and remove them; each change leaves an event."""

    form = WindowForm
    list_display = ("name", "state", "starts", "ends", "floors_in_words")
    list_before_template = "opsconsole/windows_head.html"
    fieldsets = (
        (None, {"fields": ("name", ("starts_at", "ends_at")), "description": WHAT_IT_DOES}),
        (
            _("Least replicas"),
            {
                "fields": (tuple(f"floor_{service}" for service in FLOORS),),
                "description": WHAT_FLOORS_DO,
            },
        ),
    )

    class Media:
        css = {"all": ("opsconsole/backups.css", "opsconsole/environments.css")}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fields of floors belong to the form alone; viewers see them in words."""
        if self.has_change_permission(request, obj):
            return self.fieldsets
        return ((None, {"fields": ("name", ("starts", "ends"), "floors_in_words")}),)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The form as it is: Django would look for the floors among the model's fields."""
        wanted = {**options, "fields": WindowForm.Meta.fields}
        return super().get_form(request, obj, change, **wanted)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("starts", "ends", "floors_in_words")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators: nothing is lost with a window."""
        return has_role(request.user, *self.writers)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say what a window is for while there is none."""
        context = {"any": ExamWindow.objects.exists(), "title": gettext("Exam windows")}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the window, and record who changed what."""
        words = "changed" if change else "added"
        windows.save(obj, caller=caller_of(request), change=words)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove the window, and record who did."""
        windows.remove(obj, caller=caller_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Each with its own event."""
        for window in queryset:
            self.delete_model(request, window)

    @theme.display(
        description=_("state"), label={"holds": "warning", "ahead": "info", "over": "default"}
    )
    def state(self, window: ExamWindow) -> tuple[str, str]:
        if window.ends_at <= now():
            return "over", gettext("over")
        return (
            ("ahead", gettext("ahead")) if window.starts_at > now() else ("holds", gettext("holds"))
        )

    @theme.display(description=_("starts"), ordering="starts_at")
    def starts(self, window: ExamWindow) -> SafeString:
        return states.when(window.starts_at)

    @theme.display(description=_("ends"), ordering="ends_at")
    def ends(self, window: ExamWindow) -> SafeString:
        return states.when(window.ends_at)

    @theme.display(description=_("least replicas"))
    def floors_in_words(self, window: ExamWindow) -> str:
        return ", ".join(f"{name}: {n}" for name, n in window.floors.items()) or words.NOTHING

"""Exam windows: the calendar of the coming weeks above their list, and the form of one."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsconsole.admin import calendar, words
from opsconsole.admin.classes import Admin
from opsconsole.admin.window_forms import WindowForm
from opsconsole.callers import caller_of
from opsconsole.environments import bounds, windows
from opsconsole.models import ExamWindow
from pmscoring.base.admin import theme
from pmscoring.base.roles import has_role

WHAT_IT_DOES = _(
    "While the window holds, deployments, restores and the removal of backups are refused, unless"
    " a reason is given; the event keeps that reason."
)
WHAT_FLOORS_DO = _(
    "While the window holds, no service has fewer. Its scaling policy asks for them before the"
    " window starts, early enough for them to be ready; what has no policy is scaled up by hand."
)


@admin.register(ExamWindow)
class ExamWindowAdmin(Admin):
    """Operators change windows, and remove them; each change leaves an event."""

    form = WindowForm
    list_display = ("name", "state", "starts", "ends", "floors_in_words")
    list_before_template = "opsconsole/calendar.html"

    class Media:
        css = {"all": ("opsconsole/backups.css", "opsconsole/calendar.css")}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fields of floors belong to the form alone; viewers see them in words."""
        exam = (("exam", "follows"),) if obj and obj.exam else ()
        if not self.has_change_permission(request, obj):
            fields = ("name", ("starts", "ends"), *exam, "floors_in_words")
            return ((None, {"fields": fields}),)
        fields = ("name", "zone", ("starts_at", "ends_at"), *exam)
        floors = tuple(f"floor_{service}" for service in bounds.MOST)
        return (
            (None, {"fields": fields, "description": WHAT_IT_DOES}),
            (_("Least replicas"), {"fields": (floors,), "description": WHAT_FLOORS_DO}),
        )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The form as it is: Django would look for the floors among the model's fields."""
        wanted = {**options, "fields": WindowForm.Meta.fields}
        return super().get_form(request, obj, change, **wanted)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("starts", "ends", "exam", "floors_in_words")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators: nothing is lost with a window."""
        return has_role(request.user, *self.writers)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The coming weeks above the list; while there is none, what a window is for."""
        context = calendar.context(now()) | {"title": gettext("Exam windows")}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the window, and record who changed what."""
        words = "changed" if change else "added"
        windows.save(obj, caller=caller_of(request), change=words)
        for notice in form.notices:
            self.message_user(request, notice, "warning")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove the window, and record who did."""
        windows.remove(obj, caller=caller_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Each with its own event."""
        for window in queryset:
            self.delete_model(request, window)

    @theme.display(description=_("state"), label=calendar.COLOURS)
    def state(self, window: ExamWindow) -> tuple[str, str]:
        return calendar.state(window, now())

    @theme.display(description=_("starts"), ordering="starts_at")
    def starts(self, window: ExamWindow) -> SafeString:
        return calendar.local_time(window, window.starts_at)

    @theme.display(description=_("ends"), ordering="ends_at")
    def ends(self, window: ExamWindow) -> SafeString:
        return calendar.local_time(window, window.ends_at)

    @theme.display(description=_("least replicas"))
    def floors_in_words(self, window: ExamWindow) -> str:
        return ", ".join(f"{name}: {n}" for name, n in window.floors.items()) or words.NOTHING

"""What every admin class of the product has in common: the theme, and who may do what."""

from typing import Any

from django.db import models
from django.http import HttpRequest

from pmscoring.base.admin import theme
from pmscoring.base.roles import MANAGER, VIEWER, has_role


class Roles:
    """Permissions by role group; `readers` see, `writers` change, delete only where allowed."""

    readers: tuple[str, ...] = (MANAGER, VIEWER)
    writers: tuple[str, ...] = (MANAGER,)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the app shows at all."""
        return has_role(request.user, *self.readers)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Readers and writers."""
        return has_role(request.user, *self.readers, *self.writers)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Writers."""
        return has_role(request.user, *self.writers)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Writers."""
        return has_role(request.user, *self.writers)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No one, unless a class says otherwise: nothing handed in is ever lost by a click."""
        return False


class Admin(Roles, theme.Admin):
    """The base of the app's admin classes."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True
    compressed_fields = True
    warn_unsaved_form = True

    def message_failure(self, request: HttpRequest, error: Exception) -> None:
        """An expected failure, told to the user."""
        self.message_user(request, str(error), "error")


class ReadOnly(Admin):
    """For rows that only ever arrive by other ways."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No one."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No one."""
        return False


class TabularInline(Roles, theme.TabularInline):
    """Rows of a parent, as a table."""

    extra = 0


class StackedInline(Roles, theme.StackedInline):
    """Rows of a parent, one below the other."""

    extra = 0


def counted(rows: "models.QuerySet[Any]", field: str) -> models.Subquery:
    """How many of `rows`, whose `field` is the outer row."""
    matching = rows.order_by().filter(**{field: models.OuterRef("pk")}).values(field)
    found = matching.annotate(n=models.Count("pk")).values("n")
    return models.Subquery(found, output_field=models.IntegerField())

"""What every admin class of the product has in common: the theme, and who may do what."""

from typing import Any

from django.db import models
from django.http import HttpRequest

from pmscoring.base import searching
from pmscoring.base.admin import theme
from pmscoring.base.admin.lookups import OfferedLookups
from pmscoring.base.admin.meanwhile import Meanwhile
from pmscoring.base.admin.worded import Worded
from pmscoring.base.roles import MANAGER, VIEWER, has_role


class Roles:
    """Permissions by role group; `readers` see, `writers` change, delete only where allowed."""

    readers: tuple[str, ...] = (MANAGER, VIEWER)
    writers: tuple[str, ...] = (MANAGER,)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, *self.readers)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.readers, *self.writers)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """False unless a class says otherwise: a click never loses what was submitted."""
        return False


class Admin(Roles, OfferedLookups, Worded, Meanwhile, theme.Admin):
    """The base of the app's admin classes."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True
    compressed_fields = True
    warn_unsaved_form = True

    def get_search_results(
        self, request: HttpRequest, queryset: "models.QuerySet[Any]", search_term: str
    ) -> tuple["models.QuerySet[Any]", bool]:
        """Search that folds width and form; nothing is found twice, for no field leads to many."""
        fields = self.get_search_fields(request)
        if not fields or not search_term.strip():
            return queryset, False
        return queryset.filter(searching.matching(fields, search_term)), False

    def message_failure(self, request: HttpRequest, error: Exception) -> None:
        """Show an expected failure to the user."""
        self.message_user(request, str(error), "error")


class ReadOnly(Admin):
    """For rows that are never added or changed in the admin."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TabularInline(Roles, theme.TabularInline):
    """Rows of a parent, as a table."""

    extra = 0


class StackedInline(Roles, theme.StackedInline):
    """Rows of a parent, one below the other."""

    extra = 0


def counted(rows: "models.QuerySet[Any]", field: str) -> models.Subquery:
    """The number of `rows` whose `field` is the outer row, as a subquery; NULL for none."""
    matching = rows.order_by().filter(**{field: models.OuterRef("pk")}).values(field)
    counts = matching.annotate(n=models.Count("pk")).values("n")
    return models.Subquery(counts, output_field=models.IntegerField())

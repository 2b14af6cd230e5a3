"""Users under the same theme: their roles in words, and no boxes of single permissions.

What a user may do follows from their roles alone. The groups behind these are fixed, so there is no
page of groups.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pmscoring.base import role_words
from pmscoring.base.admin import theme
from pmscoring.base.admin.lookups import OfferedLookups
from pmscoring.base.admin.meanwhile import Meanwhile
from pmscoring.base.admin.worded import Worded
from pmscoring.base.roles import ROLES

admin.site.unregister(User)
admin.site.unregister(Group)


class UserForm(theme.UserChangeForm):
    """A user with boxes for roles; groups of the site's own are kept as they are."""

    roles = forms.MultipleChoiceField(
        label=capfirst(_("roles")),
        choices=lambda: role_words.choices(ROLES),
        required=False,
        widget=theme.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["roles"].initial = [group.name for group in self.instance.groups.all()]

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]  # of Django's ModelForm
        user: User = self.instance
        others = user.groups.exclude(name__in=ROLES)
        wanted = [Group.objects.get_or_create(name=role)[0] for role in self.cleaned_data["roles"]]
        user.groups.set([*others, *wanted])


class RoleFilter(admin.SimpleListFilter):
    """Filters by role, and names the roles in words."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [(role, role_words.name(role)) for role in ROLES]

    def queryset(self, request: Any, queryset: Any) -> Any:
        return queryset.filter(groups__name=self.value()) if self.value() in ROLES else queryset


@admin.register(User)
class UserAdmin(OfferedLookups, Worded, Meanwhile, theme.BaseUserAdmin, theme.Admin):
    """People and client systems; a role is a group."""

    form = UserForm
    add_form = theme.UserCreationForm
    change_password_form = theme.AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "roles", "is_staff", "is_active")
    list_filter = (RoleFilter, "is_staff", "is_superuser", "is_active")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": (("first_name", "last_name"), "email")}),
        (_("What they may do"), {"fields": ("is_active", "is_staff", "is_superuser", "roles")}),
        (_("Dates"), {"fields": (("last_login", "date_joined"),)}),
    )
    readonly_fields = ("last_login", "date_joined")

    @theme.display(description=_("roles"))
    def roles(self, user: User) -> str:
        """What they are called."""
        return ", ".join(role_words.name(group.name) for group in user.groups.all())

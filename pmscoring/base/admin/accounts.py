"""Users and groups under the same theme; who may change them is Django's own matter."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.models import Group, User

from pmscoring.base.admin import theme
from pmscoring.base.admin.lookups import OfferedLookups

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(OfferedLookups, theme.BaseUserAdmin, theme.Admin):
    """People and client systems; a role is a group."""

    form = theme.UserChangeForm
    add_form = theme.UserCreationForm
    change_password_form = theme.AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "roles", "is_staff", "is_active")
    list_filter = ("groups", "is_staff", "is_superuser", "is_active")

    @theme.display(description=Group._meta.verbose_name_plural)
    def roles(self, user: User) -> str:
        """Its groups."""
        return ", ".join(group.name for group in user.groups.all())


@admin.register(Group)
class GroupAdmin(OfferedLookups, BaseGroupAdmin, theme.Admin):
    """Roles."""

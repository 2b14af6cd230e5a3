"""The admin's theme: the only module that knows django-unfold, so that it is replaced here."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django import forms
    from django.contrib import admin
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm
    from django.contrib.auth import forms as auth_forms
    from django.contrib.auth.admin import UserAdmin
    from django.contrib.auth.models import User
    from django.forms import widgets

    BaseUserAdmin = UserAdmin[User]
    ModelForm = forms.ModelForm[Any]

    Admin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    StackedInline = admin.StackedInline[Any, Any]
    AdminPasswordChangeForm = auth_forms.AdminPasswordChangeForm[Any]
    UserChangeForm = auth_forms.UserChangeForm[Any]
    UserCreationForm = auth_forms.AdminUserCreationForm[Any]
    Checkbox, Select, Textarea, TextInput = (
        widgets.CheckboxInput,
        widgets.Select,
        widgets.Textarea,
        widgets.TextInput,
    )
    NumberInput, FileInput = widgets.NumberInput, widgets.FileInput
    CheckboxSelectMultiple = widgets.CheckboxSelectMultiple

    def action(*, description: Any, **options: Any) -> Callable[[Any], Any]:
        """A button above a list or a detail page, which leads to the method's own page."""

    def display(*, description: Any, **options: Any) -> Callable[[Any], Any]:
        """A column or a field; `label` colours it, `header` shows two lines."""
else:
    from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
    from django.forms import ModelForm
    from unfold.admin import ModelAdmin as Admin
    from unfold.admin import StackedInline, TabularInline
    from unfold.decorators import action, display
    from unfold.forms import (
        AdminPasswordChangeForm,
        AuthenticationForm,
        UserChangeForm,
        UserCreationForm,
    )
    from unfold.widgets import (
        UnfoldAdminCheckboxSelectMultipleWidget as CheckboxSelectMultiple,
    )
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileInput
    from unfold.widgets import UnfoldAdminIntegerFieldWidget as NumberInput
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextareaWidget as Textarea
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput
    from unfold.widgets import UnfoldBooleanWidget as Checkbox

__all__ = [
    "Admin",
    "AdminPasswordChangeForm",
    "AuthenticationForm",
    "BaseUserAdmin",
    "Checkbox",
    "CheckboxSelectMultiple",
    "FileInput",
    "ModelForm",
    "NumberInput",
    "Select",
    "StackedInline",
    "TabularInline",
    "TextInput",
    "Textarea",
    "UserChangeForm",
    "UserCreationForm",
    "action",
    "display",
]

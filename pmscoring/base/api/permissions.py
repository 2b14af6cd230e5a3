"""Permissions by role."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from pmscoring.base.roles import has_role


class HasRole(BasePermission):
    """Allows the roles that the view names: `readers` for GET, HEAD and OPTIONS, else `writers`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        attribute = "readers" if request.method in SAFE_METHODS else "writers"
        return has_role(request.user, *getattr(view, attribute, ()))

"""Content-Security-Policy by address: strict, and wider only below the pages that need it."""

from dataclasses import replace
from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings


class PolicyMiddleware(CSPMiddleware):
    """Takes the policy of the longest prefix in CONTENT_SECURITY_POLICIES that fits."""

    def get_policy_parts(
        self, request: Any, response: Any, report_only: bool = False
    ) -> PolicyParts:
        """As django-csp has it, with our choice where the view made none."""
        parts = super().get_policy_parts(request, response, report_only)
        fitting = [p for p in settings.CONTENT_SECURITY_POLICIES if request.path.startswith(p)]
        if report_only or parts.config is not None or not fitting:
            return parts
        return replace(parts, config=settings.CONTENT_SECURITY_POLICIES[max(fitting, key=len)])

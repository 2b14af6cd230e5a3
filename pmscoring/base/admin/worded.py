"""Django's page of a row's history, each entry in the words of pmscoring.base.history."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from pmscoring.base import history


class Worded:
    """For admin classes: the history of a row is in the reader's language, whoever wrote it."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Django's page, whose template asks each entry for its words."""
        view: Any = super().history_view  # type: ignore[misc]
        response: HttpResponse = view(request, object_id, extra_context)
        if page := (getattr(response, "context_data", None) or {}).get("action_list"):
            page.object_list = list(page.object_list)
            for entry in page.object_list:
                entry.get_change_message = partial(history.words, entry)
        return response

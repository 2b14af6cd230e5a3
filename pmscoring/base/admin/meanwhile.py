"""Two people save one form: the second is told what the first changed, and loses nothing.

A page carries what it showed. When it is sent, that is compared with what the page would show now,
under a lock. 1. Nobody else has saved: the form is saved as it is. 2. Somebody has: nothing is
saved; the form comes back with what was typed upon what is there now, and a table of what changed,
by whom. Sent once more, it is saved, for then the person knows.
"""

from copy import copy
from typing import Any, cast

from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from pmscoring.base import history
from pmscoring.base.admin import merging
from pmscoring.base.admin.parts import Parts, read, written

FIELD = "_shown"
CHANGES = "changed_meanwhile"
"""The attribute of a request whose form is not saved, because others have saved since."""


class Meanwhile:
    """For admin classes with a form to change a row."""

    change_form_before_template = "pmscoring/meanwhile.html"

    def lock(self, key: str) -> None:
        """Let nobody else save the row until the transaction ends."""
        rows: Any = self.model._default_manager  # type: ignore[attr-defined]
        list(rows.select_for_update(no_key=True, of=("self",)).filter(pk=key).values_list("pk"))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Django's page; nothing is saved where others have saved since it was shown."""
        view: Any = super().changeform_view  # type: ignore[misc]
        with transaction.atomic():
            context = {} if object_id is None else self._compare(request, unquote(object_id))
            response: HttpResponse = view(
                request, object_id, form_url, {**context, **(extra_context or {})}
            )
        return response

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The form class, which is not valid where others have saved since it was shown."""
        form: Any = super().get_form(request, obj, change=change, **options)  # type: ignore[misc]
        if getattr(request, CHANGES, None):
            return type(form.__name__, (form,), {"clean": _refusing(form)})
        return form

    def _compare(self, request: HttpRequest, key: str) -> dict[str, Any]:
        """The context of the page: what it shows, and what others changed since it was sent."""
        before = read(request.POST.get(FIELD, "")) if request.method == "POST" else None
        owner: Any = self
        if before is not None and owner.get_object(request, key) is not None:
            # The race: two send the page at once. The second waits here for the first's commit,
            # and then sees what the first has saved.
            self.lock(key)
        obj = owner.get_object(request, key)
        if obj is None or not owner.has_change_permission(request, obj):
            return {}
        parts = self._parts(request, obj)
        now = parts.rows()
        context: dict[str, Any] = {"shown": written(now), "shown_field": FIELD}
        if before is None:
            return context
        at, shown = before
        sent = parts.sent(request.POST)
        if changed := merging.changes(shown, sent, now):
            setattr(request, CHANGES, changed)
            merged = merging.merge(shown, sent, now)
            request.POST = cast(Any, parts.posted(request.POST, merged))
            context["meanwhile"] = [parts.described(change) for change in changed]
            context["meanwhile_by"] = history.who_changed(self.whose_history(obj), at)
        return context

    def whose_history(self, obj: Any) -> list[Any]:
        """The rows whose histories tell who may have changed what the form shows."""
        return [obj]

    def _parts(self, request: HttpRequest, obj: Any) -> Parts:
        """The form and its inlines as a GET would show them now."""
        owner: Any = self
        reading = copy(request)
        reading.method = "GET"
        form = owner.get_form(reading, obj, change=True)(instance=obj)
        formsets, _inlines = owner._create_formsets(reading, obj, change=True)
        return Parts(form, formsets)


def refusal() -> str:
    """Why a form that others have overtaken is not saved yet."""
    return _(
        "This was changed since you opened it, and nothing of yours is saved yet. What you typed is"
        " below, upon what is there now: look at it, and save once more."
    )


def _refusing(form: Any) -> Any:
    def clean(self: Any) -> Any:
        cleaned = form.clean(self)
        self.add_error(None, refusal())
        return cleaned

    return clean

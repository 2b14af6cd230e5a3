"""The comparison of `meanwhile` for forms that no admin class saves."""

from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import QueryDict

from pmscoring.base.admin import merging, parts
from pmscoring.base.admin.meanwhile import FIELD, refusal


@dataclass(frozen=True)
class Compared:
    """What was sent, upon what others have saved since the form was shown."""

    data: QueryDict
    changes: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, form: forms.Form) -> bool:
        """Whether others have saved; `form`, bound to `data`, then says so."""
        if self.changes:
            form.add_error(None, refusal())
        return bool(self.changes)


def context(form: forms.Form, compared: Compared | None = None) -> dict[str, Any]:
    """What pmscoring/meanwhile.html needs of the unbound `form`, which shows what is there now."""
    rows = parts.Parts(form, []).rows()
    changes = compared.changes if compared else []
    return {"shown": parts.written(rows), "shown_field": FIELD, "meanwhile": changes}


def compare(form: forms.Form, data: QueryDict) -> Compared:
    """Compare what the page showed with the unbound `form`, which shows what is there now.

    The caller has locked the row that the form shows.
    """
    page = parts.read(data.get(FIELD, ""))
    if page is None:
        return Compared(data)
    _at, shown = page
    whole = parts.Parts(form, [])
    sent, now = whole.sent(data), whole.rows()
    changed = merging.changes(shown, sent, now)
    if not changed:
        return Compared(data)
    merged = whole.posted(data, merging.merge(shown, sent, now))
    return Compared(merged, [whole.described(change) for change in changed])

"""The preview of an uploaded file, and what a manager does with it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import ReadOnly
from pmscoring.base.admin.pages import confirmation, page
from pmscoring.base.audit import record
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import MANAGER, has_role
from pmscoring.base.words import spoken
from scoring import tasks
from scoring.documents import NOT_READ
from scoring.intake import rejections, uploads
from scoring.models import Upload

MEANINGS = {
    "candidate": _("candidate"),
    "question": _("question"),
    "text": _("answer"),
    "attempt": _("attempt"),
    "absent": _("absent"),
    "points": _("points"),
    "criteria": _("criteria"),
    "comment": _("comment"),
    "marker": _("marker"),
    "source": _("kind of mark"),
    "withdrawn": _("mark withdrawn"),
    NOT_READ: _("not read"),
}
SEPARATORS = {",": _("comma"), "\t": _("tabulator"), ";": _("semicolon")}
MOST_SHOWN = 50


MARK_CONFLICTS = {
    Upload.Conflicts.REFUSE: _("keep the stored mark"),
    Upload.Conflicts.REPLACE: _("withdraw the stored mark, and take the file's"),
}


class TakeForm(forms.Form):
    """What happens to texts, or marks, that differ from stored ones."""

    conflicts = forms.ChoiceField(
        label=capfirst(_("other texts than the stored ones")),
        choices=Upload.Conflicts.choices,
        initial=Upload.Conflicts.REFUSE,
        widget=theme.Select,
    )

    def __init__(self, kind: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if kind == Upload.Kind.MARKS:
            self.fields["conflicts"] = forms.ChoiceField(
                label=capfirst(_("other marks by the same source")),
                choices=list(MARK_CONFLICTS.items()),
                initial=Upload.Conflicts.REFUSE,
                widget=theme.Select,
            )


class Previews(ReadOnly):
    """The page of an upload, with its preview."""

    @theme.display(description=_("preview"))
    def previewed(self, upload: Upload) -> str:
        """How the file was understood, and what would be taken of it."""
        preview = upload.preview
        context = {
            **preview,
            "is_marks": upload.kind == Upload.Kind.MARKS,
            "tables": [_table(table) for table in preview["tables"]],
            "first": [{**row, "place": spoken(row["place"])} for row in preview["first"]],
            "conflicting": with_columns(preview["conflicting"][:MOST_SHOWN]),
            "rejected": upload.rejected,
            "take": reverse("admin:scoring_upload_take", args=[upload.pk]),
            "discard": reverse("admin:scoring_upload_discard", args=[upload.pk]),
        }
        return render_to_string("scoring/preview.html", context)

    def get_urls(self) -> list[URLPattern]:
        take = self.admin_site.admin_view(self.take_view)
        discard = self.admin_site.admin_view(self.discard_view)
        return [
            path("<int:pk>/take/", take, name="scoring_upload_take"),
            path("<int:pk>/discard/", discard, name="scoring_upload_discard"),
            *super().get_urls(),
        ]

    def take_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET asks what happens to conflicts, POST has the file taken."""
        upload = self._previewed(request, pk)
        if not upload.preview:  # Taken or discarded meanwhile, or never readable.
            self.message_failure(request, WrongState(_("%s is no preview") % upload))
            return _to(upload)
        form = TakeForm(upload.kind, request.POST or None)
        refusal = ""
        if form.is_valid():
            try:
                uploads.take(upload, form.cleaned_data["conflicts"])
            except WrongState as error:
                refusal = str(error)
            else:
                record("took upload", request.user, upload=pk)
                tasks.nudge_upload(upload)
                return _to(upload)
        title = str(_("Take %s") % upload)
        more = {"form": form, "refusal": refusal, "verb": _("Take"), **upload.preview}
        more["is_marks"] = upload.kind == Upload.Kind.MARKS
        return page(
            self, request, "scoring/take.html", title, upload, back=_address(upload), **more
        )

    def discard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET asks, POST deletes the file, of which nothing was taken."""
        upload = self._previewed(request, pk)
        if request.method != "POST":
            title = str(_("Discard %s?") % upload)
            meaning = str(_("The file is deleted; nothing of it was taken."))
            back = _address(upload)
            return confirmation(self, request, title, upload, meaning=meaning, back=back)
        try:
            uploads.discard(upload)
        except WrongState as error:
            self.message_failure(request, error)
            return _to(upload)
        record("discarded upload", request.user, upload=pk)
        return HttpResponseRedirect(reverse("admin:scoring_upload_changelist"))

    def _previewed(self, request: HttpRequest, pk: int) -> Upload:
        if not has_role(request.user, MANAGER):
            raise PermissionDenied
        return get_object_or_404(Upload.objects.select_related("exam"), pk=pk)


def with_columns(kept: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Kept rejections in the active language, each with the name of the column at fault."""
    return [{**row, "column": _column(row["pointer"])} for row in rejections.shown(kept)]


def _column(pointer: str) -> str:
    name, _slash, criterion = pointer.removeprefix("/").partition("/")
    return f"{MEANINGS.get(name, name)} {criterion}".strip()


def _table(table: dict[str, Any]) -> dict[str, Any]:
    columns = [(heading, MEANINGS.get(name, name)) for heading, name in table["columns"]]
    separator = SEPARATORS.get(table["separator"], table["separator"])
    return {**table, "columns": columns, "separator": separator}


def _address(upload: Upload) -> str:
    return reverse("admin:scoring_upload_change", args=[upload.pk])


def _to(upload: Upload) -> HttpResponse:
    return HttpResponseRedirect(_address(upload))

"""Buttons that save an exam's definition and each of its exports as a file."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.utils.text import format_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import Admin
from pmscoring.base.audit import record
from pmscoring.base.downloads import file_response
from pmscoring.base.roles import has_role
from scoring import results
from scoring.exams import definitions
from scoring.models import Exam


class ExamDownloads(Admin):
    """Files to save; those of the exports are added below."""

    def has_export_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The definition names no one, and is for whoever sees the exam."""
        return self.has_view_permission(request)

    @theme.action(
        description=_("Export as JSON"),
        icon="download",
        permissions=["export"],
        url_path="definition",
    )
    def export_definition(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Loading it again changes nothing."""
        exam = get_object_or_404(Exam, pk=object_id)
        text = json.dumps(definitions.describe(exam), ensure_ascii=False, indent=2) + "\n"
        disposition = content_disposition_header(True, f"{exam.code}.json") or "attachment"
        headers = {"Content-Disposition": disposition}
        return HttpResponse(text, content_type="application/json", headers=headers)


def _permission(export: results.Export) -> Callable[..., bool]:
    def has_permission(self: Admin, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *export.readers)

    return has_permission


def _action(export: results.Export, file_format: results.Format, button: results.Button) -> Any:
    def save(self: Admin, request: HttpRequest, object_id: int) -> HttpResponseBase:
        return _saved(request, object_id, export, file_format, button)

    save.__name__ = f"{export.name}_{button.name}"
    return theme.action(
        description=format_lazy(_("{export}, {file}"), export=export.title, file=button.label),
        icon=button.icon,
        permissions=[export.name],
        url_path=f"{export.name}-{button.name}",
    )(save)


def _saved(
    request: HttpRequest,
    pk: int,
    export: results.Export,
    file_format: results.Format,
    button: results.Button,
) -> HttpResponseBase:
    """The file, with headings in the reader's language; that the exam was read is logged."""
    exam = get_object_or_404(Exam, pk=pk)
    record("read", request.user, **{export.name: exam.code})
    language = get_language() or ""
    headers = language if language in results.HEADERS else results.HEADERS[0]
    options = results.Options(button.encoding, headers)
    content = export.write(exam, file_format, options)
    name = export.file_name(exam, file_format)
    return file_response(content, file_format.content_type(options), name)


def _add_actions() -> list[str]:
    """The theme finds an action, and the permission for it, by their names on the class."""
    names = []
    for export in results.EXPORTS.values():
        setattr(ExamDownloads, f"has_{export.name}_permission", _permission(export))
        for file_format in results.FORMATS.values():
            for button in file_format.buttons:
                names.append(f"{export.name}_{button.name}")
                setattr(ExamDownloads, names[-1], _action(export, file_format, button))
    return names


SAVED = _add_actions()
"""The names of the actions, in the order in which they are shown."""

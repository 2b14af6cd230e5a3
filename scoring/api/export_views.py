"""Exports of an exam: a view for each entry of `results.EXPORTS`."""

from collections.abc import Sequence

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from pmscoring.base.api.schema import JSON, call, query, response_example
from pmscoring.base.api.views import View
from pmscoring.base.audit import record
from pmscoring.base.downloads import file_response
from pmscoring.base.faults import Invalid, fault
from scoring import results
from scoring.api.base import EXAM_CODE
from scoring.models import Exam

FORMATS = results.FORMATS
OPTIONS = {"encoding": results.ENCODINGS, "headers": results.HEADERS}


def _description(option: str) -> str:
    labels = [file_format.label for file_format in FORMATS.values() if option in file_format.takes]
    return f"For {' and '.join(labels)}."


PARAMETERS = (
    EXAM_CODE,
    query("format", {"enum": list(FORMATS), "default": next(iter(FORMATS))}),
    *(
        query(name, {"enum": list(values), "default": values[0]}, _description(name))
        for name, values in OPTIONS.items()
    ),
)
FILES = [
    file_format.media_type for file_format in FORMATS.values() if file_format.media_type != JSON
]


def _view(export: results.Export) -> type[View]:
    def get(self: View, request: Request, code: str) -> HttpResponseBase:
        return _response(request, code, export)

    get.__doc__ = export.about
    name, members = export.example
    documented = call(
        export.operation,
        "exams",
        {200: export.shape},
        files=FILES,
        parameters=PARAMETERS,
        examples=[response_example(name, {"exam": "PM-2026", **members})],
        problems=[422],
    )
    return type(export.name.title(), (View,), {"readers": export.readers, "get": documented(get)})


VIEWS = {export.name: _view(export) for export in results.EXPORTS.values()}
"""By the last part of their URL."""


def _response(request: Request, code: str, export: results.Export) -> HttpResponseBase:
    exam = get_object_or_404(Exam, code=code)
    record("read", request.user, **{export.name: code})
    file_format = FORMATS[_choice(request, "format", tuple(FORMATS))]
    choices = {name: _choice(request, name, values) for name, values in OPTIONS.items()}
    options = results.Options(**choices)
    # Formats without buttons are read by programs, which need no name to save the file under.
    name = export.file_name(exam, file_format) if file_format.buttons else ""
    content = export.write(exam, file_format, options)
    return file_response(content, file_format.content_type(options), name)


def _choice(request: Request, name: str, values: Sequence[str]) -> str:
    """The query parameter, by default the first of its values; raises Invalid for any other."""
    value: str = request.query_params.get(name, values[0])
    if value not in values:
        raise Invalid([fault(f"/{name}", f"one of {', '.join(values)} is expected")])
    return value

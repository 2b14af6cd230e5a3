"""What is taken out of an exam as files: a view for each export of the registry."""

from collections.abc import Sequence

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from pmscoring.base.api.schema import JSON, call, query, tells
from pmscoring.base.api.views import View
from pmscoring.base.audit import audit
from pmscoring.base.downloads import sent
from pmscoring.base.faults import Invalid, fault
from scoring import results
from scoring.api.base import EXAM_CODE
from scoring.models import Exam

FORMATS = results.FORMATS
OPTIONS = {"encoding": results.ENCODINGS, "headers": results.HEADERS}


def _of(option: str) -> str:
    """Which formats take the option."""
    return f"Of {' and '.join(one.label for one in FORMATS.values() if option in one.takes)}."


PARAMETERS = (
    EXAM_CODE,
    query("format", {"enum": list(FORMATS), "default": next(iter(FORMATS))}),
    *(
        query(name, {"enum": list(values), "default": values[0]}, _of(name))
        for name, values in OPTIONS.items()
    ),
)
FILES = [one.media_type for one in FORMATS.values() if one.media_type != JSON]


def _view(export: results.Export) -> type[View]:
    def get(self: View, request: Request, code: str) -> HttpResponseBase:
        return _sent(request, code, export)

    get.__doc__ = export.about
    name, rest = export.example
    documented = call(
        export.operation,
        "exams",
        {200: export.shape},
        files=FILES,
        parameters=PARAMETERS,
        examples=[tells(name, {"exam": "PM-2026", **rest})],
        problems=[422],
    )
    return type(export.name.title(), (View,), {"readers": export.readers, "get": documented(get)})


VIEWS = {export.name: _view(export) for export in results.EXPORTS.values()}
"""By the last part of their address."""


def _sent(request: Request, code: str, export: results.Export) -> HttpResponseBase:
    """Streamed as it is read, but for formats that are whole only at their end."""
    exam = get_object_or_404(Exam, code=code)
    audit.info("read", extra={"user": request.user.pk, export.name: code})
    wanted = FORMATS[_choice(request, "format", tuple(FORMATS))]
    chosen = {name: _choice(request, name, values) for name, values in OPTIONS.items()}
    options = results.Options(**chosen)
    name = export.file_name(exam, wanted) if wanted.buttons else ""
    return sent(export.write(exam, wanted, options), wanted.content_type(options), name)


def _choice(request: Request, name: str, known: Sequence[str]) -> str:
    """A query parameter of a few values, of which the first is the default."""
    value: str = request.query_params.get(name, known[0])
    if value not in known:
        raise Invalid([fault(f"/{name}", f"one of {', '.join(known)} is expected")])
    return value

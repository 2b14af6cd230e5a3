"""What is taken out of an exam as files: results, mark history, statistics."""

from collections.abc import Sequence
from typing import TypedDict

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from pmscoring.base.api.schema import JSON, call, query, tells
from pmscoring.base.api.views import View
from pmscoring.base.audit import audit
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import MANAGER, VIEWER
from scoring import results
from scoring.api import examples
from scoring.api.base import EXAM_CODE
from scoring.models import Exam

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS, ENCODINGS = ("json", "csv", "xlsx"), ("utf-8-sig", "cp932")
PARAMETERS = (
    EXAM_CODE,
    query("format", {"enum": list(FORMATS), "default": "json"}),
    query("encoding", {"enum": list(ENCODINGS), "default": "utf-8-sig"}, "Of CSV."),
    query("headers", {"enum": list(results.HEADERS), "default": "en"}, "Of CSV and XLSX."),
)


class ExamResults(TypedDict):
    """A row a candidate and question, and a total a candidate."""

    exam: str
    results: list[results.Result]
    totals: list[results.Total]


class ExamMarks(TypedDict):
    """All marks of an exam's answers, in the order in which they were given."""

    exam: str
    marks: list[results.HistoryMark]


class ExamStatistics(TypedDict):
    """A row for each question, followed by one for each of its criteria."""

    exam: str
    statistics: list[results.Statistic]


class Results(View):
    """An exam's results."""

    @call(
        "results",
        "exams",
        {200: ExamResults},
        files=[CSV, XLSX],
        parameters=PARAMETERS,
        examples=[tells("One answer", examples.RESULTS)],
        problems=[422],
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """Read results, as JSON, CSV or XLSX.

        The latest attempt of each candidate. CSV is UTF-8 with BOM, or CP932; XLSX has a sheet of
        answers and a sheet of totals.
        """
        return _sent(request, code, results.RESULTS)


class Marks(View):
    """An exam's mark history."""

    readers = (MANAGER,)

    @call(
        "marks_history",
        "exams",
        {200: ExamMarks},
        files=[CSV, XLSX],
        parameters=PARAMETERS,
        examples=[tells("One mark", examples.MARK_HISTORY)],
        problems=[422],
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """Read every mark ever given, as JSON, CSV or XLSX.

        Withdrawn ones too; with candidates' and markers' names, hence for exam managers alone.
        """
        return _sent(request, code, results.MARKS)


class Statistics(View):
    """An exam's statistics."""

    readers = (MANAGER, VIEWER)

    @call(
        "statistics",
        "exams",
        {200: ExamStatistics},
        files=[CSV, XLSX],
        parameters=PARAMETERS,
        examples=[tells("A question and its criterion", examples.STATISTICS)],
        problems=[422],
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """Read statistics of questions and criteria, as JSON, CSV or XLSX.

        Of final points, else of those that the machine suggests; no one is named.
        """
        return _sent(request, code, results.STATISTICS)


def _sent(request: Request, code: str, export: results.Export) -> HttpResponseBase:
    """Streamed, but for XLSX, which is whole only at its end."""
    exam = get_object_or_404(Exam, code=code)
    audit.info("read", extra={"user": request.user.pk, export.name or "results": code})
    wanted = _choice(request, "format", FORMATS)
    encoding = _choice(request, "encoding", ENCODINGS)
    headers = _choice(request, "headers", results.HEADERS)
    if wanted == "json":
        return StreamingHttpResponse(export.as_json(exam), content_type=JSON)
    name = export.file_name(exam, wanted)
    if wanted == "xlsx":
        file = export.as_xlsx(exam, headers)
        return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)
    return StreamingHttpResponse(
        export.as_csv(exam, encoding, headers),
        content_type=f"{CSV}; charset={encoding.removesuffix('-sig')}",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _choice(request: Request, name: str, known: Sequence[str]) -> str:
    """A query parameter of a few values, of which the first is the default."""
    value: str = request.query_params.get(name, known[0])
    if value not in known:
        raise Invalid([fault(f"/{name}", f"one of {', '.join(known)} is expected")])
    return value

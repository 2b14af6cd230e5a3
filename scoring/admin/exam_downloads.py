"""What is taken out of an exam: results, mark history, statistics, and its definition."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import Admin
from pmscoring.base.audit import audit
from pmscoring.base.roles import sees_candidates
from scoring import results
from scoring.exams import definitions
from scoring.models import Exam

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Deed = Callable[..., Callable[[Any], Any]]
gives_results: Deed = partial(theme.action, permissions=["results"])
gives_statistics: Deed = partial(theme.action, permissions=["export"])


class ExamDownloads(Admin):
    """Files to save."""

    def has_results_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Results and marks name the candidates."""
        return sees_candidates(request.user)

    def has_export_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What names no one, the definition and the statistics, is for whoever sees the exam."""
        return self.has_view_permission(request)

    @gives_results(description=_("Results, CSV (UTF-8)"), icon="csv", url_path="results-csv")
    def results_csv(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """With a byte order mark, so that Excel knows it."""
        return _csv(request, object_id, results.RESULTS, "utf-8-sig")

    @gives_results(description=_("Results, CSV (CP932)"), icon="csv", url_path="results-cp932")
    def results_cp932(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """For older Japanese software."""
        return _csv(request, object_id, results.RESULTS, "cp932")

    @gives_results(description=_("Results, Excel"), icon="table", url_path="results-xlsx")
    def results_xlsx(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Answers and totals, a sheet each."""
        return _xlsx(request, object_id, results.RESULTS)

    @gives_results(description=_("Mark history, CSV (UTF-8)"), icon="csv", url_path="marks-csv")
    def marks_csv(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Every mark ever given."""
        return _csv(request, object_id, results.MARKS, "utf-8-sig")

    @gives_results(description=_("Mark history, CSV (CP932)"), icon="csv", url_path="marks-cp932")
    def marks_cp932(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """The same for older Japanese software."""
        return _csv(request, object_id, results.MARKS, "cp932")

    @gives_results(description=_("Mark history, Excel"), icon="table", url_path="marks-xlsx")
    def marks_xlsx(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """The same as a sheet."""
        return _xlsx(request, object_id, results.MARKS)

    @gives_statistics(
        description=_("Statistics, CSV (UTF-8)"), icon="csv", url_path="statistics-csv"
    )
    def statistics_csv(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Of questions and criteria."""
        return _csv(request, object_id, results.STATISTICS, "utf-8-sig")

    @gives_statistics(
        description=_("Statistics, CSV (CP932)"), icon="csv", url_path="statistics-cp932"
    )
    def statistics_cp932(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """The same for older Japanese software."""
        return _csv(request, object_id, results.STATISTICS, "cp932")

    @gives_statistics(description=_("Statistics, Excel"), icon="table", url_path="statistics-xlsx")
    def statistics_xlsx(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """The same as a sheet."""
        return _xlsx(request, object_id, results.STATISTICS)

    @theme.action(
        description=_("Export as JSON"),
        icon="download",
        permissions=["export"],
        url_path="definition",
    )
    def export_definition(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Loading it again changes nothing."""
        exam = get_object_or_404(Exam, pk=object_id)
        told = json.dumps(definitions.describe(exam), ensure_ascii=False, indent=2) + "\n"
        disposition = content_disposition_header(True, f"{exam.code}.json") or "attachment"
        headers = {"Content-Disposition": disposition}
        return HttpResponse(told, content_type="application/json", headers=headers)


def _read(request: HttpRequest, pk: int, export: results.Export) -> Exam:
    """The exam; that it was read is logged."""
    exam = get_object_or_404(Exam, pk=pk)
    audit.info("read", extra={"user": request.user.pk, export.name or "results": exam.code})
    return exam


def _csv(request: HttpRequest, pk: int, export: results.Export, encoding: str) -> HttpResponseBase:
    exam = _read(request, pk, export)
    kind = f"text/csv; charset={encoding.removesuffix('-sig')}"
    name = export.file_name(exam, "csv")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    rows = export.as_csv(exam, encoding, _headers())
    return StreamingHttpResponse(rows, content_type=kind, headers=headers)


def _xlsx(request: HttpRequest, pk: int, export: results.Export) -> HttpResponseBase:
    exam = _read(request, pk, export)
    file = export.as_xlsx(exam, _headers())
    name = export.file_name(exam, "xlsx")
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)


def _headers() -> str:
    """The headings in the reader's language."""
    language = get_language() or ""
    return language if language in results.HEADERS else "en"

"""What is taken out of an exam: its results and its definition."""

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

from pmscoring import theme
from scoring import definitions, results
from scoring.admin.base import Admin, audit, sees_candidates
from scoring.models import Exam

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
gives_results: Callable[..., Callable[[Any], Any]] = partial(theme.action, permissions=["results"])


class ExamDownloads(Admin):
    """Files to save."""

    def has_results_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Results name the candidates."""
        return sees_candidates(request)

    def has_export_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the caller may read the definition."""
        return self.has_view_permission(request)

    @gives_results(description=_("CSV (UTF-8)"), icon="csv", url_path="results-csv")
    def results_csv(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """With a byte order mark, so that Excel knows it."""
        return _csv(_read(request, object_id), "utf-8-sig")

    @gives_results(description=_("CSV (CP932)"), icon="csv", url_path="results-cp932")
    def results_cp932(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """For older Japanese software."""
        return _csv(_read(request, object_id), "cp932")

    @gives_results(description=_("Excel (XLSX)"), icon="table", url_path="results-xlsx")
    def results_xlsx(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Answers and totals, a sheet each."""
        exam = _read(request, object_id)
        file = results.as_xlsx(exam, _headers())
        name = f"{exam.code}.xlsx"
        return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)

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


def _read(request: HttpRequest, pk: int) -> Exam:
    """The exam; that its results were read is logged."""
    exam = get_object_or_404(Exam, pk=pk)
    audit.info("read", extra={"user": request.user.pk, "results": exam.code})
    return exam


def _csv(exam: Exam, encoding: str) -> HttpResponseBase:
    kind = f"text/csv; charset={encoding.removesuffix('-sig')}"
    headers = {"Content-Disposition": f'attachment; filename="{exam.code}.csv"'}
    rows = results.as_csv(exam, encoding, _headers())
    return StreamingHttpResponse(rows, content_type=kind, headers=headers)


def _headers() -> str:
    """The headings in the reader's language."""
    language = get_language() or ""
    return language if language in results.HEADERS else "en"

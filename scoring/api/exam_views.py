"""Exams: their definitions and their results."""

from collections.abc import Sequence
from typing import TypedDict

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from scoring import definitions, results
from scoring.api import examples
from scoring.api import representations as show
from scoring.api.authentication import ADJUDICATOR, MARKER, READERS
from scoring.api.base import PAGE_PARAMETERS, Pages, View, as_object, audit
from scoring.api.parsers import StrictJSONParser, YAMLParser, refused_texts
from scoring.api.schema import CODE, JSON, asks, call, query, tells
from scoring.api.shapes import ref
from scoring.contract import Invalid, fault
from scoring.models import Exam
from scoring.tasks import nudge

DEFINITION = ref("ExamDefinition")
YAML = YAMLParser.media_type
CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXAM_CODE = OpenApiParameter("code", CODE, OpenApiParameter.PATH)
FORMATS, ENCODINGS = ("json", "csv", "xlsx"), ("utf-8-sig", "cp932")


class ExamResults(TypedDict):
    """A row a candidate and question, and a total a candidate."""

    exam: str
    results: list[results.Result]
    totals: list[results.Total]


class ExamList(View):
    """All exams."""

    readers = (*READERS, MARKER, ADJUDICATOR)

    @call("exams_list", "exams", {200: show.ExamPage}, parameters=PAGE_PARAMETERS, problems=[404])
    def get(self, request: Request) -> Response:
        """List exams."""
        pages = Pages()
        page = pages.paginate_queryset(Exam.objects.all(), request, self) or []
        return pages.get_paginated_response([show.exam(one) for one in page])


class ExamDetail(View):
    """One exam's definition."""

    readers = (*READERS, MARKER, ADJUDICATOR)
    parser_classes = [StrictJSONParser, YAMLParser]

    @call("exams_read", "exams", {200: DEFINITION}, parameters=[EXAM_CODE])
    def get(self, request: Request, code: str) -> Response:
        """Read an exam's definition.

        PUT of it changes nothing.
        """
        return Response(definitions.describe(get_object_or_404(Exam, code=code)))

    @call(
        "exams_write",
        "exams",
        {200: DEFINITION, 201: DEFINITION},
        takes={JSON: DEFINITION, YAML: DEFINITION},
        parameters=[query("force", {"type": "boolean"}, "Also where marks by people become void.")],
        examples=[
            asks("One question", examples.EXAM),
            asks("The same in YAML", examples.EXAM_YAML, YAML),
            tells("Created", examples.EXAM, 201),
        ],
        problems=[409],
    )
    def put(self, request: Request, code: str) -> Response:
        """Create or update a whole exam.

        200 where it was there. The same again changes nothing.
        """
        definition = as_object(request.data)
        if found := list(refused_texts(definition)):
            raise Invalid(found)
        if definition.get("code") != code:
            raise Invalid([fault("/code", f"the address says {code}")])
        force = request.query_params.get("force") == "true"
        exam, created = definitions.load(definition, force)
        nudge(exam.questions.values_list("pk", flat=True))
        return Response(definitions.describe(exam), 201 if created else 200)


class Results(View):
    """An exam's results."""

    @call(
        "results",
        "exams",
        {200: ExamResults},
        files=[CSV, XLSX],
        parameters=[
            EXAM_CODE,
            query("format", {"enum": list(FORMATS), "default": "json"}),
            query("encoding", {"enum": list(ENCODINGS), "default": "utf-8-sig"}, "Of CSV."),
            query("headers", {"enum": list(results.HEADERS), "default": "en"}, "Of CSV and XLSX."),
        ],
        examples=[tells("One answer", examples.RESULTS)],
        problems=[422],
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """Read results, as JSON, CSV or XLSX.

        The latest attempt of each candidate. CSV is UTF-8 with BOM, or CP932; XLSX has a sheet of
        answers and a sheet of totals.
        """
        exam = get_object_or_404(Exam, code=code)
        audit.info("read", extra={"user": request.user.pk, "results": code})
        wanted = _choice(request, "format", FORMATS)
        encoding = _choice(request, "encoding", ENCODINGS)
        headers = _choice(request, "headers", results.HEADERS)
        if wanted == "json":
            return StreamingHttpResponse(results.as_json(exam), content_type=JSON)
        name = f"{code}.{wanted}"
        if wanted == "xlsx":
            file = results.as_xlsx(exam, headers)
            return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)
        return StreamingHttpResponse(
            results.as_csv(exam, encoding, headers),
            content_type=f"{CSV}; charset={encoding.removesuffix('-sig')}",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _choice(request: Request, name: str, known: Sequence[str]) -> str:
    """A query parameter of a few values, of which the first is the default."""
    value: str = request.query_params.get(name, known[0])
    if value not in known:
        raise Invalid([fault(f"/{name}", f"one of {', '.join(known)} is expected")])
    return value

"""Scoring at once, marks by people, results."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring import texts
from scoring import humans, results
from scoring.api import representations as show
from scoring.api.authentication import ADJUDICATOR, CLIENT, MANAGER, MARKER
from scoring.api.views import ANSWER, BODY, View, as_object, audit
from scoring.contract import Invalid, fault, faults
from scoring.models import Answer, Exam, Question
from scoring.tasks import inference


class Score(View):
    """One text at once."""

    writers = (CLIENT, MANAGER, MARKER, ADJUDICATOR)

    @extend_schema(operation_id="score", request=BODY, responses=ANSWER)
    def post(self, request: Request) -> Response:
        """`{text, question}` inline, or `{text, exam, question: code}`; nothing is stored."""
        body = as_object(request.data)
        text = body.get("text")
        if not isinstance(text, str) or len(text) > 50_000:
            raise Invalid([fault("/text", "a text of at most 50000 characters is expected")])
        if reason := texts.refused_character(text):
            raise Invalid([fault("/text", reason)])
        model, found = inference().score(_question(body), [("1", text)])
        mark = {key: value for key, value in found["1"].items() if key != "id"}
        return Response({"model": model, **mark})


def _question(body: dict[str, Any]) -> dict[str, Any]:
    asked = body.get("question")
    if isinstance(asked, dict):
        if found := faults("question", asked):
            raise Invalid([{**one, "pointer": f"/question{one['pointer']}"} for one in found])
        return asked
    if not isinstance(asked, str) or not isinstance(body.get("exam"), str):
        raise Invalid([fault("/question", "a question, or its code beside exam's, is expected")])
    if "\0" in asked + body["exam"]:
        raise Invalid([fault("/question", "U+0000 is refused")])
    known = Question.objects.filter(exam__code=body["exam"], code=asked).first()
    if known is None:
        raise Invalid([fault("/question", "there is no such question")])
    return known.wire()


class Marks(View):
    """People's marks."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @extend_schema(operation_id="marks_create", request=BODY, responses={201: ANSWER})
    def post(self, request: Request, pk: int) -> Response:
        """`{points?, criteria: {code: points}, comment?}`."""
        answer = get_object_or_404(Answer.objects.select_related("question__exam"), pk=pk)
        mark = humans.give(answer, request.user, as_object(request.data))
        return Response(show.mark(mark), 201)


class Results(View):
    """An exam's results."""

    @extend_schema(
        operation_id="results",
        responses=ANSWER,
        parameters=[
            OpenApiParameter("format", str, enum=["json", "csv", "xlsx"]),
            OpenApiParameter("encoding", str, enum=["utf-8-sig", "cp932"]),
        ],
    )
    def get(self, request: Request, code: str) -> HttpResponse | Response:
        """As JSON, CSV (UTF-8 with BOM, or CP932) or XLSX."""
        exam = get_object_or_404(Exam, code=code)
        audit.info("read", extra={"user": request.user.pk, "results": code})
        wanted = request.query_params.get("format", "json")
        encoding = request.query_params.get("encoding", "utf-8-sig")
        if wanted not in ("json", "csv", "xlsx"):
            raise Invalid([fault("/format", "json, csv or xlsx is expected")])
        if encoding not in ("utf-8-sig", "cp932"):
            raise Invalid([fault("/encoding", "utf-8-sig or cp932 is expected")])
        if wanted == "json":
            return Response({"exam": code, "results": list(results.rows(exam))})
        kind, data = _file(exam, wanted, encoding)
        name = f'attachment; filename="{code}.{wanted}"'
        return HttpResponse(data, content_type=kind, headers={"Content-Disposition": name})


def _file(exam: Exam, wanted: str, encoding: str) -> tuple[str, bytes]:
    if wanted == "xlsx":
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return kind, results.as_xlsx(exam)
    return "text/csv; charset=" + encoding.removesuffix("-sig"), results.as_csv(exam, encoding)

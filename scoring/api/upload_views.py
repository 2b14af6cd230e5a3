"""Files of answers."""

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from scoring import uploading
from scoring.api import representations as show
from scoring.api.views import ANSWER, View
from scoring.contract import Invalid, fault
from scoring.models import Exam, Upload
from scoring.tasks import nudge

FORM = {
    "multipart/form-data": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
}


class UploadList(View):
    """Uploading."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="uploads_create",
        request=FORM,
        responses={201: ANSWER},
        parameters=[OpenApiParameter("exam", OpenApiTypes.STR, required=True)],
    )
    def post(self, request: Request) -> Response:
        """A CSV, XLSX, JSONL or ZIP file in the form field `file`."""
        code = request.query_params.get("exam", "")
        exam = Exam.objects.filter(code=code).first() if "\0" not in code else None
        if exam is None:
            raise Invalid([fault("/exam", "there is no such exam")])
        file = request.FILES.get("file")
        if file is None:
            raise Invalid([fault("/file", "a file is expected")])
        made, questions = uploading.upload(exam, file.name or "", file.read())
        nudge(questions)
        return Response(show.upload(made), 201)


class UploadDetail(View):
    """One upload."""

    @extend_schema(operation_id="uploads_read", responses=ANSWER)
    def get(self, request: Request, pk: int) -> Response:
        """Rows accepted, and rows rejected with line and reason."""
        return Response(show.upload(get_object_or_404(Upload, pk=pk)))

"""Uploads of files of answers and marks."""

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.problems import TooLarge
from pmscoring.base.api.schema import call, query, response_example
from pmscoring.base.api.views import View, parameter
from pmscoring.base.audit import record
from pmscoring.base.body_limits import AROUND_FILE_BYTES
from pmscoring.base.faults import Invalid, fault
from scoring.api import examples
from scoring.api import representations as show
from scoring.api.submission_views import CONFLICTS, conflict_rule
from scoring.documents import BadDocument
from scoring.intake import mark_files, uploads
from scoring.models import Exam, Upload
from scoring.tasks import nudge_upload

FORM = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary"}},
    "required": ["file"],
}


FORMAT = query(
    "format",
    {"type": "string", "enum": Upload.Format.values, "default": Upload.Format.TEXT.value},
    "What the texts in the cells of a table are; HTML is read as a browser shows it.",
)


KIND = query(
    "kind",
    {"type": "string", "enum": Upload.Kind.values, "default": Upload.Kind.ANSWERS.value},
    "What the file holds.",
)
SOURCE = query(
    "source",
    {"type": "string", "maxLength": mark_files.LONGEST_SOURCE},
    "Who gave the marks of a file of marks that does not name them in a column.",
)


class UploadList(View):
    """Uploading a file."""

    parser_classes = [MultiPartParser]

    def max_body(self) -> int:
        """The size of the largest file, and of the form around it."""
        return int(settings.MAX_UPLOAD_BYTES) + AROUND_FILE_BYTES

    @call(
        "uploads_create",
        "uploads",
        {202: show.Upload},
        takes={MultiPartParser.media_type: FORM},
        parameters=[
            query("exam", {"type": "string"}, "The exam's code.", required=True),
            CONFLICTS,
            FORMAT,
            KIND,
            SOURCE,
            query("preview", {"type": "boolean", "default": False}, "Only look; see `take`."),
        ],
        examples=[response_example("Kept", examples.UPLOAD, 202)],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Upload a file of answers, or of marks that exist already, which a worker then reads.

        The file is CSV or TSV (UTF-8, UTF-16 or CP932), XLSX, XLSM or JSONL with the columns
        candidate, question, text and, where they are needed, attempt and absent; or it has a column
        for each question. A ZIP holds TXT, HTML, DOCX and PDF files named candidate_question. Of
        one candidate and attempt all rows are accepted or none. Uploading the same file again
        changes nothing. With `preview` nothing is taken: once `status` is preview, `preview` says
        how the file was understood and what would be taken, refused and in conflict.

        With `kind=marks` the file is a table or JSONL with the columns candidate, question, points,
        marker and, where they are needed, attempt, criteria, comment and source, or a column for
        each criterion. A marker named there is no account: marks by two of them are double scoring.
        The same mark again changes nothing; `conflicts=replace` withdraws another one of the same
        source, and otherwise it stays and the row is rejected. The export of the mark history is
        such a file.
        """
        exam = Exam.objects.filter(code=parameter(request, "exam")).first()
        if exam is None:
            raise Invalid([fault("/exam", _("there is no such exam"))])
        file = request.FILES.get("file")
        if file is None:
            raise Invalid([fault("/file", _("a file is expected"))])
        if (file.size or 0) > settings.MAX_UPLOAD_BYTES:
            raise TooLarge(f"{file.size} bytes; MAX_UPLOAD_BYTES are taken at most")
        try:
            upload = uploads.receive(exam, file.name or "", file, _wanted(request))
        except BadDocument as error:
            raise Invalid([fault("/file", str(error))]) from error
        if upload.kind == Upload.Kind.MARKS:
            record("uploaded marks", request.user, upload=upload.pk)
        nudge_upload(upload)
        return Response(show.upload(upload), 202)


def _wanted(request: Request) -> uploads.Wanted:
    is_preview = parameter(request, "preview") == "true"
    text_format = parameter(request, "format") or Upload.Format.TEXT
    kind = parameter(request, "kind") or Upload.Kind.ANSWERS
    source = parameter(request, "source") or ""
    return uploads.Wanted(is_preview, conflict_rule(request), text_format, kind, source)


class UploadTake(View):
    """Taking a previewed file."""

    @call(
        "uploads_take",
        "uploads",
        {202: show.Upload},
        parameters=[CONFLICTS],
        examples=[response_example("Kept", examples.UPLOAD, 202)],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take the file of a preview, which need not be sent again."""
        upload = get_object_or_404(Upload.objects.select_related("exam"), pk=pk)
        uploads.take(upload, conflict_rule(request))
        record("took upload", request.user, upload=pk)
        nudge_upload(upload)
        return Response(show.upload(upload), 202)


class UploadDetail(View):
    """One upload."""

    @call("uploads_discard", "uploads", {204: None}, problems=[409])
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a previewed file, of which nothing was taken."""
        uploads.discard(get_object_or_404(Upload, pk=pk))
        record("discarded upload", request.user, upload=pk)
        return Response(status=204)

    @call(
        "uploads_read",
        "uploads",
        {200: show.Upload},
        examples=[response_example("Waiting", examples.UPLOAD)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read an upload's progress, and which rows were rejected and why."""
        return Response(
            show.upload(get_object_or_404(Upload.objects.select_related("exam"), pk=pk))
        )

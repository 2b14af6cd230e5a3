"""The calls of version 1."""

import hashlib
import itertools
import json
import logging
from collections.abc import Iterator
from typing import Any, cast

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scoring import definitions, intake
from scoring.api import representations as show
from scoring.api.authentication import CLIENT, MANAGER, MARKER, READERS, HasRole
from scoring.api.parsers import NDJSONParser, read_json
from scoring.api.problems import TooLarge
from scoring.contract import Invalid, fault
from scoring.models import Answer, ApiToken, Batch, Exam, IdempotencyKey, Submission
from scoring.tasks import nudge

MOST_LINES = 100_000
audit = logging.getLogger("audit")
BODY = {"application/json": OpenApiTypes.OBJECT}
ANSWER = OpenApiTypes.OBJECT


class View(APIView):
    """A call with roles: who may read, who may write."""

    permission_classes = [HasRole]
    readers: tuple[str, ...] = READERS
    writers: tuple[str, ...] = (MANAGER,)


class Pages(CursorPagination):
    """Newest first, by cursor."""

    ordering = "-pk"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000


def as_object(data: Any) -> dict[str, Any]:
    """The body where it is a JSON object; else Invalid."""
    if not isinstance(data, dict):
        raise Invalid([fault("", "a JSON object is expected")])
    return data


def natural(value: str | None, name: str) -> int | None:
    """A query parameter as a key; Invalid when it is no such number."""
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise ValidationError({name: ["a whole number is expected"]})
    return int(value)


class ExamList(View):
    """All exams."""

    readers = (*READERS, MARKER)

    @extend_schema(operation_id="exams_list", responses=ANSWER)
    def get(self, request: Request) -> Response:
        """Code, title, language and state of each."""
        return Response({"results": [show.exam(one) for one in Exam.objects.all()]})


EXAM_EXAMPLE = OpenApiExample(
    "One question",
    request_only=True,
    value={
        "code": "PM-2026",
        "title": "午後I",
        "questions": [
            {
                "code": "Q1",
                "prompt": "遅れの原因を述べよ。",
                "max_points": 4,
                "criteria": [
                    {"code": "C1", "label": "要件", "points": 4, "references": ["要件が変わった"]}
                ],
            }
        ],
    },
)


class ExamDetail(View):
    """One exam's definition."""

    readers = (*READERS, MARKER)

    @extend_schema(operation_id="exams_read", responses=ANSWER)
    def get(self, request: Request, code: str) -> Response:
        """The definition; PUT of it changes nothing."""
        return Response(definitions.describe(get_object_or_404(Exam, code=code)))

    @extend_schema(
        operation_id="exams_write",
        request=BODY,
        responses={200: ANSWER, 201: ANSWER},
        examples=[EXAM_EXAMPLE],
        parameters=[OpenApiParameter("force", bool)],
    )
    def put(self, request: Request, code: str) -> Response:
        """Create or update the whole exam."""
        definition = as_object(request.data)
        if definition.get("code") != code:
            raise Invalid([fault("/code", f"the address says {code}")])
        force = request.query_params.get("force") == "true"
        exam, created = definitions.load(definition, force)
        nudge(exam.questions.values_list("pk", flat=True))
        return Response(definitions.describe(exam), 201 if created else 200)


SUBMISSION_EXAMPLE = OpenApiExample(
    "One answer",
    request_only=True,
    value={
        "exam": "PM-2026",
        "candidate": "c-001",
        "answers": [{"question": "Q1", "text": "要件が途中で変わったから"}],
    },
)


class SubmissionList(View):
    """Handing in."""

    writers = (CLIENT, MANAGER)

    @extend_schema(
        operation_id="submissions_create",
        request=BODY,
        responses={202: ANSWER},
        examples=[SUBMISSION_EXAMPLE],
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def post(self, request: Request) -> Response:
        """One candidate's answers; 202 with the submission."""
        record = as_object(request.data)
        key = request.headers.get("Idempotency-Key", "")
        with transaction.atomic():
            known = self._known(request, key, record) if key else None
            if known is not None:
                return Response(known, 202)
            taken = intake.take(record)
            if isinstance(taken, list):
                raise Invalid(taken)
            told = show.submission(taken[0])
            if key:
                IdempotencyKey.objects.filter(user=request.user.pk, key=key).update(response=told)
        nudge(taken[0].answers.values_list("question", flat=True))
        return Response(told, 202)

    def _known(self, request: Request, key: str, record: dict[str, Any]) -> Any:
        """What was answered under the key before; None for the first to come."""
        if len(key) > 200 or not key.isprintable():
            raise Invalid([fault("", "Idempotency-Key: at most 200 printable characters")])
        told = json.dumps(record, sort_keys=True)
        body = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        row, new = IdempotencyKey.objects.select_for_update().get_or_create(
            user_id=request.user.pk or 0, key=key, defaults={"body_hash": body, "response": None}
        )
        if row.body_hash != body:
            raise intake.Conflict("another body was sent under this Idempotency-Key")
        return None if new else row.response


class SubmissionBulk(View):
    """Handing in by the thousand."""

    writers = (CLIENT, MANAGER)
    parser_classes = [NDJSONParser]

    @extend_schema(
        operation_id="submissions_bulk",
        request={"application/x-ndjson": OpenApiTypes.STR},
        responses={202: ANSWER},
    )
    def post(self, request: Request) -> Response:
        """A submission a line, in one transaction; safe to send again."""
        outcome = intake.take_all(read_lines(cast(Iterator[bytes], request.data)))
        nudge(outcome.questions)
        told = {"accepted": outcome.accepted, "rejected": outcome.rejected}
        return Response({"batch": outcome.batch.pk, **told}, 202)


def read_lines(lines: Iterator[bytes]) -> Iterator[tuple[int, Any]]:
    """(line number, value) of each line that is not empty; a line that is not JSON is a text."""
    numbered = ((n, line) for n, line in enumerate(lines, start=1) if line.strip())
    for count, (number, line) in zip(itertools.count(1), numbered, strict=False):
        if count > MOST_LINES:
            raise TooLarge(f"more than {MOST_LINES} lines")
        try:
            yield number, read_json(line)
        except (ValueError, RecursionError):
            yield number, "not JSON"


class SubmissionDetail(View):
    """One submission."""

    @extend_schema(operation_id="submissions_read", responses=ANSWER)
    def get(self, request: Request, pk: int) -> Response:
        """With its answers and marks."""
        audit.info("read", extra={"user": request.user.pk, "submission": pk})
        return Response(show.submission(get_object_or_404(Submission, pk=pk)))


class BatchDetail(View):
    """Progress."""

    @extend_schema(operation_id="batches_read", responses=ANSWER)
    def get(self, request: Request, pk: int) -> Response:
        """Counts by state, rate and time left."""
        return Response(show.batch(get_object_or_404(Batch, pk=pk)))


class AnswerList(View):
    """Answers with their marks."""

    @extend_schema(
        operation_id="answers_list",
        responses=ANSWER,
        parameters=[
            OpenApiParameter(name, str)
            for name in ("exam", "question", "status", "flag", "cursor", "page_size")
        ],
    )
    def get(self, request: Request) -> Response:
        """Filtered, newest first."""
        asked = request.query_params
        names = {
            "exam": "submission__exam__code",
            "question": "question__code",
            "status": "status",
            "flag": "flags__contains",
        }
        wanted = {field: asked[name] for name, field in names.items() if name in asked}
        if any("\0" in value for value in wanted.values()):
            raise Invalid([fault("", "U+0000 is refused")])
        rows = Answer.objects.filter(**wanted).select_related("submission__exam", "question")
        pages = Pages()
        page = pages.paginate_queryset(rows.prefetch_related("marks"), request, self) or []
        audit.info("read", extra={"user": request.user.pk, "answers": [one.pk for one in page]})
        return pages.get_paginated_response([show.answer(one) for one in page])


class TokenList(View):
    """API tokens."""

    @extend_schema(operation_id="tokens_create", request=BODY, responses={201: ANSWER})
    def post(self, request: Request) -> Response:
        """Issue one for the caller; its secret is shown this once."""
        body = as_object(request.data)
        name, days = body.get("name", ""), body.get("days", 90)
        if not isinstance(name, str) or len(name) > 100 or "\0" in name:
            raise Invalid([fault("/name", "a text of at most 100 characters")])
        if type(days) is not int or not 1 <= days <= 3650:
            raise Invalid([fault("/days", "a whole number from 1 to 3650")])
        if not name.isprintable():
            raise Invalid([fault("/name", "printable characters only")])
        token, secret = ApiToken.issue(request.user, name, days)
        expires = token.expires_at.isoformat()
        return Response({"id": token.pk, "token": secret, "expires_at": expires}, 201)


class TokenDetail(View):
    """One token of the caller's."""

    @extend_schema(operation_id="tokens_delete", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke it."""
        if not ApiToken.revoke(request.user, pk):
            raise NotFound
        return Response(status=204)

"""Handing in: one by one or by the thousand, and how far the scoring is."""

import codecs
import hashlib
import json
from collections.abc import Iterator
from typing import IO, Any, cast

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.mediatypes import media_type_matches

from pmscoring.base.api.parsers import read_json
from pmscoring.base.api.problems import LengthRequired, TooLarge
from pmscoring.base.api.schema import JSON, asks, call, header, tells
from pmscoring.base.api.shapes import ref
from pmscoring.base.api.views import View, as_object, is_chunked
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import CLIENT, MANAGER
from scoring.api import examples
from scoring.api import representations as show
from scoring.api.parsers import MOST_LINE_BYTES, NDJSONParser
from scoring.documents import lines
from scoring.intake import submissions
from scoring.models import Batch, IdempotencyKey, Submission, locks
from scoring.tasks import nudge

MOST_LINES = 100_000
Lines = Iterator[tuple[int, bytes | None]]
NDJSON = NDJSONParser.media_type
KEY = {"type": "string", "maxLength": 200}


class SubmissionList(View):
    """Handing in."""

    writers = (CLIENT, MANAGER)

    @call(
        "submissions_create",
        "submissions",
        {202: show.Submission},
        takes={JSON: ref("WholeSubmission")},
        parameters=[header("Idempotency-Key", KEY)],
        examples=[
            asks("One answer", examples.SUBMISSION),
            tells("Taken", examples.SUBMISSION_TOLD, 202),
        ],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Hand in one candidate's answers.

        The same again gives the same answer. Another body under the same Idempotency-Key (kept for
        a week), or other texts under the same attempt, are a conflict.
        """
        record = as_object(request.data)
        key = request.headers.get("Idempotency-Key", "")
        with transaction.atomic():
            known = self._known(request, key, record) if key else None
            if known is not None:
                return Response(known, 202)
            taken = submissions.accept(record)
            if isinstance(taken, list):
                raise Invalid(taken)
            told = show.submission(taken[0])
            if key:
                IdempotencyKey.objects.filter(user=request.user.pk, key=key).update(response=told)
        nudge(taken[0].answers.values_list("question", flat=True))
        return Response(told, 202)

    def _known(self, request: Request, key: str, record: dict[str, Any]) -> Any:
        """What was answered under the key before; None for the first to come.

        Of two requests under one key at once the second waits here until the first has committed,
        or failed and left no key.
        """
        if len(key) > 200 or not key.isprintable():
            raise Invalid([fault("", "Idempotency-Key: at most 200 printable characters")])
        told = json.dumps(record, sort_keys=True)
        body = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        row, new = locks.lock_or_create(
            IdempotencyKey.objects.all(),
            {"body_hash": body, "response": None},
            user_id=request.user.pk or 0,
            key=key,
        )
        if row.body_hash != body:
            raise submissions.Conflict("another body was sent under this Idempotency-Key")
        return None if new else row.response


class SubmissionBulk(View):
    """Handing in by the thousand."""

    writers = (CLIENT, MANAGER)
    parser_classes = [NDJSONParser]

    def most_body(self) -> None:
        """It is read as it comes."""

    @call(
        "submissions_bulk",
        "submissions",
        {202: show.Bulk},
        takes={NDJSON: {"type": "string", "description": "A WholeSubmission as JSON on each line"}},
        examples=[
            asks(
                "Two lines", f"{json.dumps(examples.SUBMISSION, ensure_ascii=False)}\n" * 2, NDJSON
            ),
            tells("Taken", examples.BULK, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        """Hand in up to 100,000 submissions, one a line.

        In one transaction, read as it comes; safe to send again. Lines that are not taken are told
        of by number.
        """
        outcome = submissions.accept_all(read_lines(body_lines(request)))
        nudge(outcome.questions)
        told: show.Bulk = {
            "batch": outcome.batch.pk,
            "accepted": outcome.accepted,
            "rejected": cast(list[show.Rejection], outcome.rejected),
        }
        return Response(told, 202)


def body_lines(request: Request) -> Lines:
    """The lines of the body, also of one in chunks, whose end the WSGI server finds."""
    if not is_chunked(request):
        return cast(Lines, request.data) or iter(())
    if not media_type_matches(NDJSON, request.content_type):
        raise UnsupportedMediaType(request.content_type)
    if not request.META.get("wsgi.input_terminated"):
        raise LengthRequired("this server takes no body in chunks")
    return lines(cast(IO[bytes], request.META["wsgi.input"]), MOST_LINE_BYTES)


def read_lines(numbered: Lines) -> Iterator[tuple[int, Any]]:
    """(line number, value) of each line that is not blank; of what is no JSON, the reason."""
    count = 0
    for number, line in numbered:
        if line is not None and not line.strip():
            continue
        count += 1
        if count > MOST_LINES:
            raise TooLarge(f"more than {MOST_LINES} lines")
        yield number, f"longer than {MOST_LINE_BYTES} bytes" if line is None else _read(line)


def _read(line: bytes) -> Any:
    try:
        return read_json(line.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return "not JSON"


class SubmissionDetail(View):
    """One submission."""

    @call(
        "submissions_read",
        "submissions",
        {200: show.Submission},
        examples=[tells("One answer", examples.SUBMISSION_TOLD)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read a submission with its answers and marks."""
        record("read", request.user, submission=pk)
        return Response(show.submission(get_object_or_404(Submission, pk=pk)))


class BatchDetail(View):
    """Progress."""

    @call(
        "batches_read",
        "submissions",
        {200: show.Batch},
        examples=[tells("Half-way", examples.BATCH)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read how far a batch is: answers by status, rate and time left."""
        return Response(show.batch(get_object_or_404(Batch, pk=pk)))

"""Handing in submissions, one by one or in bulk, and the progress of their scoring."""

import codecs
import hashlib
import json
from collections.abc import Iterator
from typing import IO, Any, cast

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.mediatypes import media_type_matches

from pmscoring.base.api.problems import LengthRequired, TooLarge
from pmscoring.base.api.schema import JSON, call, header, query, request_example, response_example
from pmscoring.base.api.shapes import ref
from pmscoring.base.api.views import View, as_object, is_chunked, parameter
from pmscoring.base.audit import record
from pmscoring.base.disk import require_room
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import CLIENT, MANAGER
from pmscoring.base.strict_json import read_json
from scoring.api import examples
from scoring.api import representations as show
from scoring.api.parsers import MOST_LINE_BYTES, NDJSONParser
from scoring.documents import lines
from scoring.intake import submissions
from scoring.models import Batch, IdempotencyKey, Submission, Upload, locks
from scoring.tasks import nudge

MOST_LINES = 100_000
Lines = Iterator[tuple[int, bytes | None]]
NDJSON = NDJSONParser.media_type
KEY = {"type": "string", "maxLength": 200}
CONFLICTS = query(
    "conflicts",
    {"type": "string", "enum": Upload.Conflicts.values, "default": Upload.Conflicts.REFUSE.value},
    "What happens to a text where another one is stored for the question: its submission is"
    " refused, the stored answer is kept, or it is replaced and keeps its marks.",
)


class SubmissionList(View):
    """Handing in one submission."""

    writers = (CLIENT, MANAGER)

    @call(
        "submissions_create",
        "submissions",
        {202: show.Submission},
        takes={JSON: ref("WholeSubmission")},
        parameters=[header("Idempotency-Key", KEY), CONFLICTS],
        examples=[
            request_example("One answer", examples.SUBMISSION),
            response_example("Taken", examples.STORED_SUBMISSION, 202),
        ],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Hand in one candidate's answers.

        Answers to questions that the stored submission has none for are added to it. Sending the
        same request again changes nothing and returns the same response. Another body under the
        same Idempotency-Key (kept for a week), or another text for the same question and attempt,
        is a conflict, whose errors name the answers.
        """
        payload = as_object(request.data)
        key = request.headers.get("Idempotency-Key", "")
        with transaction.atomic():
            stored = self._stored_response(request, key, payload) if key else None
            if stored is not None:
                return Response(stored, 202)
            taken = submissions.accept(payload, conflict_rule(request))
            if isinstance(taken, list):
                raise Invalid(taken)
            response = show.submission(taken[0])
            if key:
                keys = IdempotencyKey.objects.filter(user=request.user.pk, key=key)
                keys.update(response=response)
        nudge(taken[0].answers.values_list("question", flat=True))
        return Response(response, 202)

    def _stored_response(self, request: Request, key: str, payload: dict[str, Any]) -> Any:
        """The response that was given under the key before; None for the key's first request.

        Raises Invalid, or Conflict where the body is not the first request's.
        """
        if len(key) > 200 or not key.isprintable():
            raise Invalid([fault("", _("Idempotency-Key: at most 200 printable characters"))])
        canonical = json.dumps(payload, sort_keys=True)
        body_hash = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
        # A client that gives up waiting sends the same key again while the first request still
        # runs. The second INSERT waits for the unique constraint until the first transaction has
        # ended: if it committed, its response is read here; if it failed, it left no key.
        row, new = locks.lock_or_create(
            IdempotencyKey.objects.all(),
            {"body_hash": body_hash, "response": None},
            user_id=request.user.pk or 0,
            key=key,
        )
        if row.body_hash != body_hash:
            raise submissions.Conflict("another body was sent under this Idempotency-Key")
        return None if new else row.response


class SubmissionBulk(View):
    """Handing in many submissions at once."""

    writers = (CLIENT, MANAGER)
    parser_classes = [NDJSONParser]

    def max_body(self) -> None:
        """Any: the body is read as a stream, and `MOST_LINES` and `MOST_LINE_BYTES` limit it."""

    @call(
        "submissions_bulk",
        "submissions",
        {202: show.Bulk},
        takes={NDJSON: {"type": "string", "description": "A WholeSubmission as JSON on each line"}},
        parameters=[CONFLICTS],
        examples=[
            request_example(
                "Two lines", f"{json.dumps(examples.SUBMISSION, ensure_ascii=False)}\n" * 2, NDJSON
            ),
            response_example("Taken", examples.BULK, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        """Hand in up to 100,000 submissions, one on each line.

        All are written in one transaction, and it is safe to send them again. Lines that are
        rejected are listed with their numbers and reasons.
        """
        require_room()
        lines_read = read_lines(body_lines(request))
        outcome = submissions.accept_all(lines_read, conflict_rule(request))
        nudge(outcome.questions)
        response: show.Bulk = {
            "batch": outcome.batch.pk,
            "accepted": outcome.accepted,
            "rejected": cast(list[show.Rejection], outcome.rejected),
            "skipped": cast(list[show.Rejection], outcome.skipped),
        }
        return Response(response, 202)


def conflict_rule(request: Request) -> str:
    """What the caller wants to happen to conflicts."""
    return parameter(request, "conflicts") or Upload.Conflicts.REFUSE


def body_lines(request: Request) -> Lines:
    """The numbered lines of the body, also of one in chunks, whose end the WSGI server finds.

    None in place of a line that is too long. Raises UnsupportedMediaType, or LengthRequired where
    the server does not support chunks.
    """
    if not is_chunked(request):
        return cast(Lines, request.data) or iter(())
    if not media_type_matches(NDJSON, request.content_type):
        raise UnsupportedMediaType(request.content_type)
    if not request.META.get("wsgi.input_terminated"):
        raise LengthRequired("this server takes no body in chunks")
    return lines(cast(IO[bytes], request.META["wsgi.input"]), MOST_LINE_BYTES)


def read_lines(numbered: Lines) -> Iterator[tuple[int, Any]]:
    """The number and the JSON value of each line that is not blank.

    For a line that is too long or not JSON the value is the reason, a str. Raises TooLarge.
    """
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
        examples=[response_example("One answer", examples.STORED_SUBMISSION)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read a submission with its answers that count, and their marks."""
        record("read", request.user, submission=pk)
        return Response(show.submission(get_object_or_404(Submission.everything, pk=pk)))


class BatchDetail(View):
    """The progress of a batch."""

    @call(
        "batches_read",
        "submissions",
        {200: show.Batch},
        examples=[response_example("Half-way", examples.BATCH)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read a batch's progress: answers by status, the rate and the time left."""
        return Response(show.batch(get_object_or_404(Batch, pk=pk)))

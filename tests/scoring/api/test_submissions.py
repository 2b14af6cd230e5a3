"""Handing in over REST: idempotency, and streams of lines."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client, RequestFactory
from django.utils.timezone import now

from scoring import tasks
from scoring.api import submission_views
from scoring.api.parsers import MOST_LINE_BYTES
from scoring.models import Answer, ApiToken, Batch, IdempotencyKey, Submission
from tests.clients import JSON, NDJSON, ndjson
from tests.concurrency import run_concurrently
from tests.factories import make_user, submission

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("exam")]
URL, BULK = "/api/v1/submissions", "/api/v1/submissions/bulk"


def post(client: Client, body: Any, key: str = "k1") -> Any:
    return client.post(URL, body, content_type=JSON, headers={"Idempotency-Key": key})


def test_the_same_key_gives_the_same_answer_and_another_body_is_a_conflict(
    manager: Client,
) -> None:
    first, again = post(manager, submission("c1", "一")), post(manager, submission("c1", "一"))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert post(manager, submission("c1", "二")).status_code == 409
    assert post(manager, submission("c2", "二")).status_code == 409
    assert Answer.objects.count() == 1


def test_a_request_that_failed_does_not_use_up_its_key(manager: Client) -> None:
    assert post(manager, {"exam": "PM-2026"}).status_code == 422
    assert post(manager, submission("c1", "一")).status_code == 202
    assert post(manager, submission("c1", "二"), "k2").status_code == 409
    assert post(manager, submission("c2", "二"), "k2").status_code == 202


def test_of_two_at_once_under_one_key_both_get_the_one_answer(manager: Client) -> None:
    told = run_concurrently([partial(post, manager, submission("c1", "一"))] * 4)
    assert [one.status_code for one in told] == [202] * 4
    assert all(one.json() == told[0].json() for one in told)
    assert (Submission.objects.count(), Batch.objects.count()) == (1, 1)


def test_the_same_without_a_key_changes_nothing(manager: Client) -> None:
    first = manager.post(URL, submission("c1", "一"), content_type=JSON).json()
    again = manager.post(URL, submission("c1", "一"), content_type=JSON).json()
    assert again == first
    assert (Submission.objects.count(), Batch.objects.count()) == (1, 1)


def test_keys_are_forgotten_after_a_week(manager: Client) -> None:
    post(manager, submission("c1", "一"), "old")
    post(manager, submission("c2", "一"), "new")
    IdempotencyKey.objects.filter(key="old").update(created_at=now() - timedelta(days=7, hours=1))
    tasks.forget_old_keys()
    assert IdempotencyKey.objects.get().key == "new"
    assert post(manager, submission("c1", "一"), "old").status_code == 202


def test_bulk_takes_the_good_lines_and_tells_of_the_bad_ones(manager: Client) -> None:
    body = ndjson(
        submission("c1", "一"), {"exam": "X"}, submission("c2", "二"), submission("c1", "三")
    )
    told = manager.post(BULK, f"\ufeff{body}\n\n{{", content_type=NDJSON)
    assert told.status_code == 202
    assert told.json()["accepted"] == 2
    assert [one["line"] for one in told.json()["rejected"]] == [2, 4, 6]
    batch = manager.get(f"/api/v1/batches/{told.json()['batch']}").json()
    assert batch["answers"]["waiting"] == 2
    again = manager.post(BULK, body, content_type=NDJSON)
    assert (again.json()["accepted"], Answer.objects.count()) == (2, 2)


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("👨\u200d👩\u200d👧\u200d👦" * 4_000, 28_000),
        ("\ufdfa" * 2_000, 36_000),
        ("要件" + " " * 30_000, 30_002),
    ],
    ids=["emoji", "folded", "spaces"],
)
def test_a_text_that_its_question_has_no_room_for_is_refused(
    manager: Client, text: str, size: int
) -> None:
    told = post(manager, submission("c1", text))
    detail = f"the text has {size} code points; this question takes at most 20000"
    assert told.status_code == 422
    assert told.json()["errors"] == [{"pointer": "/answers/0/text", "detail": detail}]


def test_an_attempt_may_be_written_with_a_point(manager: Client) -> None:
    body = ndjson(submission("c1", "一", attempt=1), submission("c2", "二", attempt=2.0))
    told = manager.post(BULK, body, content_type=NDJSON)
    assert (told.status_code, told.json()["accepted"]) == (202, 2)
    assert Submission.objects.get(candidate="c2").attempt == 2


def test_a_line_that_is_too_long_is_one_bad_line(manager: Client) -> None:
    long = json.dumps(submission("c1", "x" * MOST_LINE_BYTES))
    body = f"{ndjson(submission('c2', '二'))}\n{long}\n{ndjson(submission('c3', '三'))}"
    told = manager.post(BULK, body, content_type=NDJSON).json()
    assert told["accepted"] == 2
    (refused,) = told["rejected"]
    assert (refused["line"], refused["pointer"]) == (2, "")
    assert f'"longer than {MOST_LINE_BYTES} bytes"' in refused["detail"]


def test_more_lines_than_are_allowed_take_nothing_in(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission_views, "MOST_LINES", 2)
    body = ndjson(*[submission(f"c{n}", "一") for n in range(3)])
    assert manager.post(BULK, body, content_type=NDJSON).status_code == 413
    assert not Submission.objects.exists()


class Trickle(io.RawIOBase):
    """A request body that is produced as it is read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.parts, self.left = parts, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.left = self.left or next(self.parts, b"")
        size = min(len(buffer), len(self.left))
        buffer[:size], self.left = self.left[:size], self.left[size:]
        return size


def stream(count: int, **environ: Any) -> Any:
    """The response to `count` lines sent in chunks, as gunicorn passes them on."""
    _, secret = ApiToken.issue(make_user("client"))
    text = "要件が途中で変わったから" * 20
    parts = (f"{ndjson(submission(f'c{n}', text))}\n".encode() for n in range(count))
    request = RequestFactory().post(BULK, content_type=NDJSON)
    request.META |= {
        "HTTP_AUTHORIZATION": f"Bearer {secret}",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_LENGTH": "",
        "wsgi.input": io.BufferedReader(Trickle(parts)),
        "wsgi.input_terminated": True,
        **environ,
    }
    return submission_views.SubmissionBulk.as_view()(request)


def test_a_body_in_chunks_is_read_to_its_end() -> None:
    told = stream(3)
    assert (told.status_code, told.data["accepted"]) == (202, 3)
    assert stream(1, CONTENT_TYPE="text/plain").status_code == 415
    assert stream(1, **{"wsgi.input_terminated": False}).status_code == 411


def test_a_long_stream_takes_no_more_memory_than_a_short_one() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        assert stream(count).data["accepted"] == count
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    with patch("scoring.intake.entries.CHUNK", 200):
        peak(400)
        Submission.objects.all().delete()
        short = peak(400)
        Submission.objects.all().delete()
        assert peak(4000) < 1.5 * short

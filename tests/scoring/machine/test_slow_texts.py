"""A text that takes the inference service long, or kills it, stops nobody else's."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from django.core.cache import cache
from django.utils import translation
from django.utils.timezone import now
from pytest_django import Settings

from scoring.inference import Inference, InferenceBrokeOff, InferenceUnavailable
from scoring.machine import batches, postponing, slow_lane
from scoring.models import Answer, Question
from scoring.models.answers import LONG
from tests.factories import example_exam, hand_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english", "free_lane")]
POISON = "毒"
TIMEOUT = 0.5


@pytest.fixture
def free_lane() -> None:
    cache.delete(slow_lane.KEY)


@pytest.fixture
def question() -> Question:
    return example_exam().questions.get(code="Q1")


class Service(ThreadingHTTPServer):
    """A service that cannot take a text with POISON: it hangs, or hangs up as a killed one does."""

    daemon_threads = True

    def __init__(self, *, hangs: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hangs, self.ended = hangs, threading.Event()
        self.requests: list[list[str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        answers = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["answers"]
        self.server.requests.append([answer["text"] for answer in answers])
        if any(POISON in answer["text"] for answer in answers):
            self._give_no_answer()
            return
        blank = {"points": 0, "criteria": [], "flags": [], "confidence": None}
        results = [{"id": answer["id"], **blank} for answer in answers]
        body = json.dumps({"model": "a" * 64, "results": results}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _give_no_answer(self) -> None:
        if self.server.hangs:
            self.server.ended.wait(20)
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(*, hangs: bool) -> Iterator[tuple[Service, Inference]]:
    """The service in threads of its own, and a client that waits for TIMEOUT."""
    service = Service(hangs=hangs)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service, Inference(f"http://127.0.0.1:{service.server_port}", "token", TIMEOUT)
    finally:
        service.ended.set()
        service.shutdown()
        service.server_close()
        thread.join()


def score_all(question: Question, inference: Inference) -> None:
    """Score as the sweep does until nothing waits, without its pauses."""
    for _ in range(20):
        try:
            batches.score_waiting(question, inference)
        except InferenceUnavailable:
            Answer.objects.filter(status="waiting").update(not_before=now())
        if not Answer.objects.filter(status="waiting").exists():
            return


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "dies"])
def test_a_text_that_the_service_gives_no_answer_for_fails_alone_and_visibly(
    question: Question, settings: Settings, hangs: bool
) -> None:
    settings.SCORING_BATCH = 16
    hand_in(question, [*(f"答え{n}" for n in range(12)), POISON])
    with serving(hangs=hangs) as (service, inference):
        score_all(question, inference)
    failed = Answer.objects.exclude(status="scored").get()
    assert (failed.text, failed.status, failed.breaks) == (POISON, "failed", 2)
    assert failed.reason.startswith("the inference service gave no answer for this text 3 times (")
    assert len([texts for texts in service.requests if POISON in texts]) <= (3 if hangs else 6)
    assert batches.retry(Answer.objects.all()) == 1
    assert Answer.objects.get(pk=failed.pk).breaks == 0


def explained(language: str) -> str:
    with translation.override(language):
        return Answer.objects.exclude(status="scored").get().explanation


def test_reasons_are_in_the_language_of_who_reads_them_and_not_of_the_worker(
    question: Question,
) -> None:
    hand_in(question, [POISON])
    with translation.override("ja"), serving(hangs=True) as (_, inference):
        score_all(question, inference)
    assert explained("en") == (
        "the inference service gave no answer for this text 3 times"
        " (the inference service did not answer in time)"
    )
    assert explained("ja") == (
        "この本文について推論サービスが3回応答しませんでした"
        "（推論サービスが時間内に応答しませんでした）"
    )


def test_a_request_that_broke_off_waits_for_a_short_time_only(question: Question) -> None:
    hand_in(question, ["一", POISON])
    with serving(hangs=True) as (_, inference), pytest.raises(InferenceBrokeOff):
        batches.score_waiting(question, inference)
    assert {answer.tries for answer in Answer.objects.all()} == {0}
    soon = now() + timedelta(seconds=postponing.FIRST_WAIT)
    assert all(answer.not_before <= soon for answer in Answer.objects.all())


def test_answers_that_come_meanwhile_are_scored_first(question: Question) -> None:
    hand_in(question, ["一", POISON])
    with serving(hangs=False) as (service, inference):
        with pytest.raises(InferenceBrokeOff):
            batches.score_waiting(question, inference)
        Answer.objects.update(not_before=now())
        hand_in(question, ["二", "三"], first=2)
        batches.score_batch(question, inference)
    assert sorted(service.requests[-1]) == ["三", "二"]


def test_a_service_that_is_away_parts_no_request(question: Question) -> None:
    hand_in(question, ["一", "二"])
    with pytest.raises(InferenceUnavailable):
        batches.score_waiting(question, Inference("http://127.0.0.1:1", "x", 1))
    assert {(answer.breaks, answer.tries) for answer in Answer.objects.all()} == {(0, 1)}


@pytest.mark.parametrize("status", [502, 504])
def test_a_proxy_without_an_answer_parts_the_request(question: Question, status: int) -> None:
    hand_in(question, ["一", "二"])
    inference = Inference("http://service", "token", 10)
    transport = httpx.MockTransport(lambda _request: httpx.Response(status))
    inference.http = httpx.Client(base_url="http://service", transport=transport)
    with pytest.raises(InferenceBrokeOff):
        batches.score_waiting(question, inference)
    assert {answer.breaks for answer in Answer.objects.all()} == {1}


def test_of_slow_texts_one_request_is_out_at_a_time(question: Question) -> None:
    hand_in(question, ["一", "長" * (LONG + 1)])
    with serving(hangs=False) as (service, inference):
        with slow_lane.turn() as is_ours:
            assert is_ours
            assert batches.score_waiting(question, inference) == 1
        assert service.requests == [["一"]]
        assert batches.score_waiting(question, inference) == 1
    assert not Answer.objects.exclude(status="scored").exists()


def test_slow_texts_ask_for_no_further_task(question: Question) -> None:
    hand_in(question, ["長" * (LONG + 1)])
    assert batches.waiting(question) == 0


def test_a_request_has_no_more_text_than_is_read_in_seconds(question: Question) -> None:
    hand_in(question, [*(f"{n}".ljust(LONG, "要") for n in range(9)), *"一二三四五"])
    with serving(hangs=False) as (service, inference):
        batches.score_waiting(question, inference)
    assert [len(texts) for texts in service.requests] == [8, 6]


def test_a_stored_text_that_its_question_does_not_take_fails_without_a_request(
    question: Question,
) -> None:
    hand_in(question, ["一", "二"])
    Answer.objects.filter(text="二").update(text="\ufdfa" * 2_000)
    with serving(hangs=False) as (service, inference):
        batches.score_waiting(question, inference)
    assert service.requests == [["一"]]
    reason = "the text has 36000 code points; this question takes at most 20000"
    assert explained("ja").startswith("本文が36000文字（コードポイント）あります。")
    assert Answer.objects.get(status="failed").reason == reason

"""From definition to marks, with the real inference service; our client against our server."""

import json
from datetime import timedelta

import httpx
import pytest
from django.core.cache import cache
from django.utils.timezone import now
from pytest_django import Settings

from pmscoring.base.folding import FOLDING
from scoring.exams import definitions
from scoring.inference import Inference, InferenceError, InferenceUnavailable
from scoring.intake import entries, submissions
from scoring.machine import batches, fullness, load
from scoring.models import Answer, Mark, Question, Submission
from tests.factories import example_exam, submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def question() -> Question:
    return example_exam().questions.get(code="Q1")


@pytest.fixture
def inference(inference_url: str) -> Inference:
    return Inference(inference_url, "a-token-for-tests", 60)


def hand_in(*answers: str) -> entries.Outcome:
    return submissions.accept_all(
        (line, submission(f"c{line}", text)) for line, text in enumerate(answers, start=1)
    )


def texts_sent(inference: Inference) -> list[list[str]]:
    """A list that gets the texts of each request that the client sends from now on."""
    sent: list[list[str]] = []
    inference.http.event_hooks["request"] = [
        lambda request: sent.append(
            [answer["text"] for answer in json.loads(request.content)["answers"]]
        )
    ]
    return sent


def test_it_marks_each_answer_once_with_evidence(question: Question, inference: Inference) -> None:
    hand_in("要件が途中で変わったから", "天気がよかった", "")
    assert batches.score_waiting(question, inference) == 3
    first, second, third = Mark.objects.order_by("answer_id")
    assert first.points >= 4 > second.points
    assert first.criteria[0]["evidence"] == [{"start": 0, "end": 12}]
    assert first.confidence is None
    assert second.points == third.points == 0
    assert third.flags == ["blank"]
    assert not Answer.objects.exclude(status="scored").exists()


def test_it_maps_evidence_back_to_each_text_as_submitted(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が途中で変わったから", "　要件が途中で変わったから  ")
    batches.score_waiting(question, inference)
    spans = [mark.criteria[0]["evidence"][0] for mark in Mark.objects.order_by("answer_id")]
    assert spans == [{"start": 0, "end": 12}, {"start": 1, "end": 13}]


def test_it_keeps_doubts_and_maps_them_to_each_text_as_submitted(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が変わらなかったから", "　要件が変わらなかったから  ")
    batches.score_waiting(question, inference)
    first, second = Mark.objects.order_by("answer_id")
    [doubt] = first.criteria[0]["doubts"]
    assert first.flags == second.flags == ["reversed"]
    assert doubt["reason"] == "negation"
    moved = {**doubt, "start": doubt["start"] + 1, "end": doubt["end"] + 1}
    assert second.criteria[0]["doubts"] == [moved]


def test_a_text_that_was_marked_before_takes_that_mark_over_without_a_call(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が途中で変わったから")
    batches.score_waiting(question, inference)
    sent = texts_sent(inference)
    later = ["　要件が途中で変わったから", "天気がよかった", "It  rained", "It rained"]
    submissions.accept_all((n, submission(f"d{n}", text)) for n, text in enumerate(later))
    assert batches.score_waiting(question, inference) == 4
    assert [sorted(texts) for texts in sent] == [["It  rained", "天気がよかった"]]
    first, taken = Mark.objects.filter(answer__text__contains="要件").order_by("pk")
    assert first.criteria[0]["evidence"] == [{"start": 0, "end": 12}]
    assert taken.criteria[0]["evidence"] == [{"start": 1, "end": 13}]
    assert (taken.points, taken.model, taken.definition) == (
        first.points,
        first.model,
        question.digest,
    )


def test_a_mark_under_an_older_definition_is_not_taken_over(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が途中で変わったから")
    batches.score_waiting(question, inference)
    definition = definitions.describe(question.exam)
    definition["questions"][0]["criteria"][0]["references"] = ["天気が悪かった"]
    definition["questions"][0]["criteria"][0]["keywords"] = []
    definitions.load(definition)
    question = question.exam.questions.get(code="Q1")
    sent = texts_sent(inference)
    batches.score_waiting(question, inference)
    assert sent == [["要件が途中で変わったから"]]
    old, new = Mark.objects.order_by("pk")
    assert old.definition != new.definition == question.digest


def test_a_known_text_is_marked_while_inference_is_away(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が途中で変わったから")
    batches.score_waiting(question, inference)
    later = ["要件が途中で変わったから ", "別の答え"]
    submissions.accept_all((n, submission(f"d{n}", text)) for n, text in enumerate(later))
    with pytest.raises(InferenceUnavailable):
        batches.score_waiting(question, Inference("http://127.0.0.1:1", "x", 1))
    states = Answer.objects.order_by("pk").values_list("status", flat=True)
    assert list(states) == ["scored", "scored", "waiting"]


def test_it_leaves_the_answer_waiting_when_inference_is_away(question: Question) -> None:
    hand_in("要件が途中で変わったから")
    before = now()
    with pytest.raises(InferenceUnavailable):
        batches.score_waiting(question, Inference("http://127.0.0.1:1", "x", 1))
    answer = Answer.objects.get()
    assert (answer.status, answer.tries) == ("waiting", 1)
    assert answer.not_before >= before + timedelta(seconds=1)
    assert answer.reason


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("path", "token", "reason"),
    [
        ("", "wrong", "HTTP 401: the inference service refuses the token"),
        ("/elsewhere", "a-token-for-tests", "HTTP 404: INFERENCE_URL leads to no inference"),
    ],
)
def test_a_wrong_token_or_address_fails_no_answer(
    question: Question, inference: Inference, inference_url: str, path: str, token: str, reason: str
) -> None:
    hand_in("要件が途中で変わったから", "天気がよかった")
    with pytest.raises(InferenceUnavailable):
        batches.score_waiting(question, Inference(inference_url + path, token, 10))
    for answer in Answer.objects.all():
        assert (answer.status, answer.tries) == ("waiting", 1)
        assert answer.reason.startswith(reason)
    assert batches.retry(Answer.objects.all()) == 2
    assert batches.score_waiting(question, inference) == 2


def answering(status: int, error_type: str, refused: str = "") -> Inference:
    """A client of a fake that refuses texts containing `refused`, all where it is empty."""

    def respond(request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)["answers"]
        if any(refused in answer["text"] for answer in sent):
            return httpx.Response(status, json={"error": "no", "error_type": error_type})
        blank = {"points": 0, "criteria": [], "flags": [], "confidence": None}
        results = [{"id": answer["id"], **blank} for answer in sent]
        return httpx.Response(200, json={"model": "a" * 64, "results": results})

    inference = Inference("http://service", "token", 10)
    transport = httpx.MockTransport(respond)
    inference.http = httpx.Client(base_url="http://service", transport=transport)
    return inference


def test_a_text_that_is_refused_fails_alone_and_visibly(question: Question) -> None:
    hand_in("一", "二", "悪い", "四")
    batches.score_waiting(question, answering(422, "invalid", refused="悪い"))
    failed = Answer.objects.exclude(status="scored").get()
    assert (failed.text, failed.status) == ("悪い", "failed")
    assert "422" in failed.reason
    assert batches.retry(Answer.objects.all()) == 1


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, "incomplete"),
        (401, "unauthorized"),
        (403, ""),
        (404, "invalid"),
        (405, "invalid"),
        (408, ""),
        (429, "overloaded"),
        (502, ""),
        (503, "not_ready"),
        (504, ""),
    ],
)
def test_what_is_no_fault_of_the_text_leaves_it_waiting(
    question: Question, status: int, error_type: str
) -> None:
    hand_in("一", "二")
    with pytest.raises(InferenceUnavailable):
        batches.score_waiting(question, answering(status, error_type))
    assert {(one.status, one.reason[:8]) for one in Answer.objects.all()} == {
        ("waiting", f"HTTP {status}")
    }


@pytest.mark.parametrize(("status", "error_type"), [(400, "invalid"), (413, ""), (500, "")])
def test_what_may_be_a_fault_of_the_text_fails_it(
    question: Question, status: int, error_type: str
) -> None:
    hand_in("一")
    batches.score_waiting(question, answering(status, error_type))
    assert Answer.objects.get().status == "failed"


def test_the_client_tells_a_refusal_from_an_absence(inference: Inference) -> None:
    with pytest.raises(InferenceError, match="422"):
        inference.score({}, [])


def test_the_same_again_changes_nothing_and_another_text_is_refused(question: Question) -> None:
    assert hand_in("一").accepted == 1
    assert hand_in("一").accepted == 1
    outcome = hand_in("二")
    assert [fault["pointer"] for fault in outcome.rejected] == ["/answers/0/text"]
    assert Answer.objects.get().text == "一"


def test_a_changed_criterion_waits_to_be_marked_again(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が途中で変わったから")
    batches.score_waiting(question, inference)
    definition = definitions.describe(question.exam)
    definition["questions"][0]["criteria"][0]["references"].append("仕様の変更が続いたから")
    definitions.load(definition)
    assert Answer.objects.get().status == "waiting"
    question = question.exam.questions.get(code="Q1")
    batches.score_waiting(question, inference)
    assert Mark.objects.count() == 2


def test_a_full_inference_service_is_told_for_a_while(question: Question) -> None:
    cache.delete(fullness.KEY)
    hand_in("一")
    for status, error_type, full in ((503, "not_ready", False), (429, "overloaded", True)):
        Answer.objects.update(not_before=now())
        with pytest.raises(InferenceUnavailable):
            batches.score_waiting(question, answering(status, error_type))
        assert load.measure()["inference_full"] is full
    cache.delete(fullness.KEY)
    assert load.measure()["inference_full"] is False


def test_after_its_time_it_begins_no_further_batch(
    question: Question, inference: Inference, settings: Settings
) -> None:
    settings.SCORING_BATCH = 2
    hand_in("一", "二", "三")
    assert batches.score_waiting(question, inference, seconds=0) == 2
    assert Answer.objects.waiting().count() == 1


def test_it_tells_the_load_of_what_waits_and_what_is_held(question: Question) -> None:
    hand_in("一", "二", "三", "四")
    first, second, third, _fourth = Answer.objects.order_by("pk")
    Answer.objects.filter(pk=first.pk).update(status="scored")
    Answer.objects.filter(pk=second.pk).update(status="scoring", claimed_at=now())
    for answer, hours in ((first, 3), (second, 2), (third, 1)):
        came = now() - timedelta(hours=hours)
        Submission.objects.filter(pk=answer.submission_id).update(created_at=came)
    Mark.objects.bulk_create(
        Mark(answer=first, source=source, points=0)
        for source in (Mark.Source.MACHINE, Mark.Source.HUMAN)
    )
    told = load.measure()
    assert (told["waiting"], told["scoring"]) == (3, 1)
    assert told["oldest_seconds"] == pytest.approx(7200, abs=60)
    assert told["rate"] == round(1 / 60, 3)


def test_it_tells_how_many_answers_have_come_whatever_became_of_them(question: Question) -> None:
    before = load.measure()["arrived"]
    hand_in("一", "二", "三")
    Answer.objects.all().delete()
    assert load.measure()["arrived"] == before + 3


def test_a_worker_leaves_what_a_newer_release_folded_to_the_newer_workers(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が途中で変わったから")
    sent = texts_sent(inference)
    Question.objects.filter(pk=question.pk).update(folding=FOLDING + 1)
    assert batches.score_waiting(question, inference) == 0
    answer = Answer.objects.get()
    assert (answer.status, answer.claimed_at, sent) == ("waiting", None, [])
    assert answer.reason
    Question.objects.filter(pk=question.pk).update(folding=FOLDING)
    Answer.objects.update(not_before=now())
    assert batches.score_waiting(question, inference) == 1
    assert len(sent) == 1

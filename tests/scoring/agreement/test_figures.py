"""What is compared with what, on rows as they stand in the database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scoring.agreement import audit_sample
from scoring.agreement.audit_sample import ACCURACY
from scoring.agreement.figures import exam_agreement, question_agreement
from scoring.agreement.shapes import QuestionAgreement
from scoring.machine import load
from scoring.models import Answer, Calibration, Example, Mark, Question
from tests import marked_exam
from tests.clients import client_for
from tests.factories import example_exam, make_user, submitted_answer

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 4, 6, 1, tzinfo=UTC)
number = iter(range(1_000_000))


@pytest.fixture
def question() -> Question:
    return example_exam().questions.get(code="Q1")


@pytest.fixture
def people() -> list[User]:
    return [
        make_user("marker", staff=True),
        make_user("manager", staff=True),
        make_user("adjudicator", staff=True),
    ]


def hand_in(question: Question, text: str = "") -> Answer:
    key = next(number)
    answer = submitted_answer(question.exam, text or f"解答の{key}", f"c{key}")
    Answer.objects.filter(pk=answer.pk).update(status="scored")
    return answer


def add_mark(answer: Answer, points: float, source: str = "machine", **more: Any) -> Mark:
    """A mark under the present definition; by a person it is the answer's final one."""
    question = Question.objects.get(pk=answer.question_id)
    at = more.pop("at", None)
    with mock.patch.object(timezone, "now", return_value=at or timezone.now()):
        mark = Mark.objects.create(
            **{"answer": answer, "source": source, "points": points, "definition": question.digest}
            | more
        )
    if source in ("human", "adjudicator"):
        final = {"final_points": points, "final_source": source}
        Answer.objects.filter(pk=answer.pk).update(**final)
    return mark


def calibrated(question: Question, *examples: tuple[Answer, float, float]) -> Calibration:
    """An active calibration that was fitted to these answers: people's points, the guess."""
    calibration = Calibration.objects.create(question=question, status="ready", sha256="c" * 64)
    Example.objects.bulk_create(
        Example(
            calibration=calibration, answer=answer, points=points, predicted=guess, confidence=0.6
        )
        for answer, points, guess in examples
    )
    Question.objects.filter(pk=question.pk).update(calibration=calibration)
    return calibration


def figures_of(question: Question) -> QuestionAgreement:
    return question_agreement(Question.objects.get(pk=question.pk))


def cells(question: Question) -> list[tuple[float, float, int]]:
    return [
        (one["people"], one["machine"], one["count"]) for one in figures_of(question)["confusion"]
    ]


def test_the_machine_s_mark_is_compared_with_people_s(question: Question) -> None:
    for machine, person in ((4, 4), (3, 4), (0, 2)):
        answer = hand_in(question)
        add_mark(answer, machine)
        add_mark(answer, person, "human")
    add_mark(hand_in(question), 1)
    assert cells(question) == [(2, 0, 1), (4, 3, 1), (4, 4, 1)]
    found = figures_of(question)["machine"]
    assert found is not None
    assert found["exact"] == pytest.approx(1 / 3)
    assert (found["count"], found["mae"], found["bias"]) == (3, 1, -1)


def test_what_a_calibration_was_fitted_to_counts_as_it_was_predicted_unseen(
    question: Question,
) -> None:
    answer = hand_in(question)
    add_mark(answer, 4, "human")
    calibration = calibrated(question, (answer, 4, 1))
    add_mark(answer, 4, calibration=calibration.sha256, confidence=0.99)
    assert cells(question) == [(4, 1, 1)]
    found = figures_of(question)
    assert found["out_of_fold"] == 1
    assert [one["threshold"] for one in found["coverage"]] == [0.6]


def test_the_same_text_in_another_answer_was_seen_as_well(question: Question) -> None:
    example, other = hand_in(question, "要件が変わった"), hand_in(question, "要件が変わった")
    calibration = calibrated(question, (example, 4, 0))
    for answer in (example, other):
        add_mark(answer, 4, "human")
        add_mark(answer, 4, calibration=calibration.sha256, confidence=0.9)
    assert cells(question) == [(4, 0, 2)]


def test_marks_of_another_calibration_or_definition_are_not_the_machine_s(
    question: Question,
) -> None:
    answer = hand_in(question)
    add_mark(answer, 3, calibration="b" * 64)
    add_mark(answer, 2, definition="old")
    add_mark(answer, 4, "human")
    assert (cells(question), figures_of(question)["unpredicted"]) == ([], 1)
    add_mark(answer, 1)
    assert (cells(question), figures_of(question)["unpredicted"]) == ([(4, 1, 1)], 0)


def test_a_dispute_is_no_judgement_until_it_is_settled(
    question: Question, people: list[User]
) -> None:
    answer = hand_in(question)
    add_mark(answer, 2)
    add_mark(answer, 4, "human", marker=people[0])
    add_mark(answer, 0, "human", marker=people[1])
    Answer.objects.filter(pk=answer.pk).update(final_points=None, final_source="")
    found = figures_of(question)
    assert (found["machine"], found["open"]) == (None, 1)
    assert found["people"] is not None
    assert found["people"]["bias"] == 4
    add_mark(answer, 1, "adjudicator", marker=people[2])
    assert cells(question) == [(1, 2, 1)]
    assert len(figures_of(question)["markers"]) == 1


def test_a_withdrawn_mark_counts_nowhere(question: Question, people: list[User]) -> None:
    answer = hand_in(question)
    add_mark(answer, 2)
    add_mark(answer, 2, "human", marker=people[0])
    wrong = add_mark(answer, 0, "human", marker=people[1])
    add_mark(answer, 0, "withdrawal", withdraws=wrong, marker=people[1])
    Answer.objects.filter(pk=answer.pk).update(final_points=2)
    found = figures_of(question)
    assert (cells(question), found["people"], found["open"]) == ([(2, 2, 1)], None, 0)


def test_a_group_is_one_judgement(question: Question, people: list[User]) -> None:
    for group in (7, 7, 7, 8, None, None):
        answer = hand_in(question)
        add_mark(answer, 3)
        for marker in people[:2]:
            add_mark(answer, 4, "human", marker=marker, from_group=group)
    assert cells(question) == [(4, 3, 4)]
    found = figures_of(question)["people"]
    assert found is not None
    assert found["count"] == 4


def test_two_markers_are_compared_whichever_read_first(
    question: Question, people: list[User]
) -> None:
    for order in (people[:2], people[1::-1]):
        answer = hand_in(question)
        for marker in order:
            add_mark(answer, 1 if marker is people[0] else 3, "human", marker=marker)
    [pair] = figures_of(question)["markers"]
    assert (pair["one"], pair["other"], pair["figures"]["bias"]) == ("1", "2", -2)
    named = question_agreement(question, names=True)["markers"][0]
    assert (named["one"], named["other"]) == ("marker", "manager")


def test_criteria_are_compared_where_both_told_of_them(
    question: Question, people: list[User]
) -> None:
    def by(**points: float) -> dict[str, Any]:
        found = [{"code": code, "points": one, "evidence": []} for code, one in points.items()]
        return {"criteria": found}

    answer = hand_in(question)
    add_mark(answer, 3, **by(C1=2, C2=1))
    add_mark(answer, 2, "human", marker=people[0], **by(C1=2))
    add_mark(answer, 2, "human", marker=people[1], **by(C1=0, C2=2))
    first, second, *_ = figures_of(question)["criteria"]
    assert (first["code"], second["code"]) == ("C1", "C2")
    assert first["machine"] is not None
    assert first["machine"]["bias"] == 2
    assert first["people"] is not None
    assert first["people"]["count"] == 1
    assert second["people"] is None


def test_the_audit_sample_is_told_by_day_and_over_a_longer_time_by_week(
    question: Question,
) -> None:
    def audited(days: int, machine: float, person: float) -> None:
        answer = hand_in(question)
        add_mark(answer, machine)
        add_mark(answer, person, "human", at=MORNING + timedelta(days=days))
        Answer.objects.filter(pk=answer.pk).update(review_reason="audit")

    audited(0, 3, 3)
    audited(0, 3, 4)
    audited(1, 4, 4)
    first, second = figures_of(question)["drift"]
    assert (first["first"], first["last"], first["count"]) == ("2026-04-06", "2026-04-06", 2)
    assert (first["exact"], first["bias"]) == (0.5, -0.5)
    low, high = first["exact_interval"]
    assert low < 0.5 < high
    audited(30, 4, 4)
    weeks = figures_of(question)["drift"]
    assert [(one["first"], one["last"], one["count"]) for one in weeks] == [
        ("2026-04-06", "2026-04-12", 3),
        ("2026-05-04", "2026-05-10", 1),
    ]
    assert (second["count"], figures_of(question)["audit"]) == (1, figures_of(question)["machine"])


def test_days_are_those_of_the_reader(question: Question) -> None:
    answer = hand_in(question)
    add_mark(answer, 1)
    add_mark(answer, 1, "human", at=datetime(2026, 4, 6, 20, tzinfo=UTC))
    Answer.objects.filter(pk=answer.pk).update(review_reason="audit")
    assert figures_of(question)["drift"][0]["first"] == "2026-04-07"
    with timezone.override("America/New_York"):
        assert figures_of(question)["drift"][0]["first"] == "2026-04-06"


def test_a_question_that_nobody_marked_has_no_figures(question: Question) -> None:
    add_mark(hand_in(question), 2)
    found = figures_of(question)
    assert (found["machine"], found["people"], found["audit"]) == (None, None, None)
    assert (found["confusion"], found["coverage"], found["drift"]) == ([], [], [])
    overall = exam_agreement(question.exam)["overall"]
    assert overall == {"count": 0, "exact": None, "adjacent": None, "kappa": None}


def test_a_marked_exam_tells_all_of_it_in_few_queries() -> None:
    exam = marked_exam.build().exam
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = exam_agreement(exam, names=True)
    assert len(queries) <= 2 + 6 * 3
    first, second, third = found["questions"]
    assert first["machine"] is not None
    assert first["people"] is not None
    assert first["audit"] is not None
    assert 0.5 < (first["machine"]["kappa"] or 0) < (first["people"]["kappa"] or 0) < 1
    assert first["out_of_fold"] == first["machine"]["count"] - 90 - 40
    assert first["open"] == 90 - first["out_of_fold"] > 0
    assert [one["count"] for one in first["drift"]] == [6] * 15
    curve = first["coverage"]
    assert curve[-1]["coverage"] == 1
    assert [one["count"] for one in curve] == sorted({one["count"] for one in curve})
    assert len(curve) <= 51
    assert second["calibration"] is None
    assert second["coverage"] == []
    assert third["machine"] is None
    assert found["overall"]["count"] == first["machine"]["count"] + 80


def test_operators_are_told_of_the_audit_sample_once_it_is_large_enough() -> None:
    assert audit_sample.recent_agreement() is None
    exam = marked_exam.build().exam
    audit = exam_agreement(exam)["questions"][0]["audit"]
    assert audit is not None
    assert audit_sample.recent_agreement() == pytest.approx(audit["exact"], abs=1e-4)
    assert load.measure()["agreement"] == audit_sample.recent_agreement()


def test_operators_are_told_of_a_group_once(question: Question) -> None:
    def audited(count: int, machine: float, group: int | None = None) -> list[Mark]:
        answers = [hand_in(question) for _ in range(count)]
        for answer in answers:
            add_mark(answer, machine)
        marks = [add_mark(answer, 4, "human", from_group=group) for answer in answers]
        Answer.objects.filter(pk__in=[one.pk for one in answers]).update(review_reason="audit")
        return marks

    audited(29, 3)
    assert audit_sample.recent_agreement() is None
    group = audited(40, 4, group=7)
    figures = figures_of(question)["audit"]
    assert figures is not None
    assert figures["count"] == 30
    assert audit_sample.recent_agreement() == pytest.approx(figures["exact"], abs=1e-4)
    assert figures["exact"] == pytest.approx(1 / 30)
    add_mark(group[1].answer, 0, "withdrawal", withdraws=group[1])
    add_mark(group[1].answer, 4, "human")
    assert audit_sample.recent_agreement() == pytest.approx(2 / 31, abs=1e-4)
    alone = add_mark(group[2].answer, 4, "human")
    add_mark(alone.answer, 0, "withdrawal", withdraws=alone)
    assert audit_sample.recent_agreement() == pytest.approx(2 / 31, abs=1e-4)


def observed() -> Iterator[float]:
    """Sum and count of the histogram."""
    for sample in next(iter(ACCURACY.collect())).samples:
        if sample.name in ("scoring_accuracy_sum", "scoring_accuracy_count"):
            yield sample.value


def test_each_mark_by_a_person_is_measured_after_the_commit(
    question: Question, django_capture_on_commit_callbacks: Any
) -> None:
    first, second, unmarked = (hand_in(question) for _ in range(3))
    add_mark(first, 4)
    add_mark(second, 4)
    most = float(question.max_points)
    before = list(observed())
    with django_capture_on_commit_callbacks(execute=True):
        audit_sample.observe(
            [
                add_mark(first, 3, "human"),
                add_mark(second, 4, "human"),
                add_mark(unmarked, 1, "human"),
            ]
        )
        assert list(observed()) == before
    [(sum_before, count_before), (sum_after, count_after)] = [before, list(observed())]
    counted = {"sum": sum_after - sum_before, "count": count_after - count_before}
    assert sorted(counted.values()) == pytest.approx(sorted([2, 2 - 1 / most]))


def test_a_group_is_measured_once(
    question: Question, django_capture_on_commit_callbacks: Any
) -> None:
    answers = [hand_in(question) for _ in range(4)]
    for answer in answers:
        add_mark(answer, 4)
    before = list(observed())
    with django_capture_on_commit_callbacks(execute=True):
        audit_sample.observe([add_mark(answer, 4, "human", from_group=3) for answer in answers])
    assert [after - one for after, one in zip(observed(), before, strict=True)] == [1, 1]


def test_prometheus_is_told_of_a_mark_given_by_rest(
    question: Question, django_capture_on_commit_callbacks: Any
) -> None:
    answer = hand_in(question)
    add_mark(answer, 1)

    def scraped() -> dict[str, float]:
        lines = Client().get("/metrics").content.decode().splitlines()
        found = (
            line.rpartition(" ") for line in lines if line.startswith("scoring_accuracy_bucket")
        )
        return {name.split('"')[1]: float(value) for name, _, value in found}

    before = scraped()
    assert list(before) == ["0.5", "0.6", "0.7", "0.8", "0.9", "0.95", "0.99", "1.0", "+Inf"]
    caller = client_for("exam manager")
    with django_capture_on_commit_callbacks(execute=True):
        told = caller.post(
            f"/api/v1/answers/{answer.pk}/marks", {"points": 1}, content_type="application/json"
        )
    assert told.status_code == 201
    after = scraped()
    assert [after[bucket] - before[bucket] for bucket in ("0.99", "1.0")] == [0, 1]

"""Answers that say the same are marked together, each with a mark of its own."""

from functools import partial
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now
from pytest_django import Settings

from pmscoring.base.lifecycle import WrongState
from scoring import tasks
from scoring.inference import Inference, InferenceUnavailable
from scoring.marks import giving
from scoring.models import AnswerGroup, Exam, Mark, Question
from scoring.review import groups, queue
from tests.concurrency import run_concurrently
from tests.factories import FULL, answers_of, exam_in, fresh, make_user, state
from tests.outages import redis_away

pytestmark = pytest.mark.django_db
SAME = ("要件が途中で変わったから", "　要件が途中で変わったから", "要件が途中で変わったから ")
NEAR = "要件が途中で変わったため"
OTHER = "体制が整っていなかったので作業の遅れに誰も気付かなかった"


@pytest.fixture
def inference(inference_url: str) -> Inference:
    return Inference(inference_url, "a-token-for-tests", 60)


@pytest.fixture
def marker() -> User:
    return make_user("m1")


def regrouped(exam: Exam, inference: Inference, distance: float = 0.02) -> list[AnswerGroup]:
    """Search for Q1's groups; returns them, the largest first."""
    question = exam.questions.get(code="Q1")
    groups.regroup(question, inference, distance)
    return list(AnswerGroup.objects.order_by("-size", "pk"))


def texts_of(group: AnswerGroup) -> set[str]:
    return {answer.text for answer in group.answers.all()}


def test_it_finds_blank_equal_and_nearly_equal_answers(inference: Inference) -> None:
    exam = exam_in()
    answers_of(exam, *SAME, NEAR, OTHER, "", "   ", " ")
    near, blank = regrouped(exam, inference, distance=0.05)
    assert (near.kind, blank.kind) == ("near", "blank")
    assert texts_of(near) == {*SAME, NEAR}
    assert 0 < near.distance <= 0.05
    assert near.representative.text == SAME[0]
    assert (blank.size, blank.distance) == (3, 0)
    equal = next(one for one in regrouped(exam, inference, distance=0) if one.kind != "blank")
    assert (equal.kind, texts_of(equal), equal.distance) == ("same", set(SAME), 0)


def test_texts_that_grow_when_they_are_folded_are_not_compared() -> None:
    class Recorder:
        def groups(self, texts: Any, *_: Any) -> list[Any]:
            sent.extend(text for _, text in texts)
            return []

    sent: list[str] = []
    exam = exam_in()
    answers_of(exam, NEAR, OTHER, "\ufdfa" * 300)
    groups.regroup(exam.questions.get(code="Q1"), cast(Inference, Recorder()))
    assert set(sent) == {NEAR, OTHER}


def test_what_differs_in_a_number_or_a_negation_is_never_near(inference: Inference) -> None:
    exam = exam_in()
    answers_of(exam, "期限が3月だったから", "期限が5月だったから", "合意した", "合意しなかった")
    assert regrouped(exam, inference, distance=0.5) == [] or all(
        len(texts_of(group)) == 1 for group in AnswerGroup.objects.all()
    )


def test_what_differs_in_its_length_verdict_is_never_near(inference: Inference) -> None:
    exam = exam_in()
    _, long = answers_of(exam, NEAR, SAME[0])
    type(long).objects.filter(pk=long.pk).update(flags=["too_long"])
    assert regrouped(exam, inference, distance=0.3) == []


def test_only_answers_that_are_still_asked_of_people_come_into_groups(
    inference: Inference, marker: User
) -> None:
    exam = exam_in()
    done, *_ = answers_of(exam, *SAME)
    giving.give(done, marker, FULL)
    (group,) = regrouped(exam, inference)
    assert group.size == 2
    assert fresh(done).answer_group_id is None


def test_finding_them_again_forgets_the_old_ones(inference: Inference) -> None:
    exam = exam_in()
    answers_of(exam, *SAME)
    old = regrouped(exam, inference)
    new = regrouped(exam, inference)
    assert {one.pk for one in old}.isdisjoint({one.pk for one in new})
    assert AnswerGroup.objects.count() == 1


def test_finding_them_again_leaves_what_is_in_hand(inference: Inference, marker: User) -> None:
    exam = exam_in()
    blank, *_ = answers_of(exam, "", "", *SAME, NEAR)
    written, empty = regrouped(exam, inference)
    assert groups.take(written, marker)
    assert groups.take(empty, marker)
    AnswerGroup.objects.filter(pk=empty.pk).update(held_until=now())
    more_blank, *more = answers_of(exam, "", OTHER, OTHER, SAME[0])
    again = regrouped(exam, inference)
    assert written in again
    assert empty not in again
    assert sorted(one.size for one in again) == [2, 3, 4]
    assert fresh(more_blank).answer_group == fresh(blank).answer_group
    assert fresh(more[0]).answer_group == fresh(more[1]).answer_group
    assert fresh(more[2]).answer_group is None
    assert len(groups.mark_group(written, marker, FULL)) == 4


def test_it_tells_how_far_it_is_and_changes_nothing_when_inference_is_away(
    inference: Inference,
) -> None:
    exam = exam_in()
    answers_of(exam, *SAME, NEAR)
    question = exam.questions.get(code="Q1")
    told: list[float] = []
    groups.regroup(question, inference, say=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    with pytest.raises(InferenceUnavailable):
        groups.regroup(question, Inference("http://127.0.0.1:1", "x", 1))
    assert AnswerGroup.objects.count() == 1


def test_it_searches_on_where_the_cache_that_tells_how_far_it_is_is_away(
    inference_url: str, settings: Settings
) -> None:
    exam = exam_in()
    answers_of(exam, *SAME, NEAR)
    question = exam.questions.get(code="Q1")
    settings.INFERENCE_URL = inference_url
    tasks.inference.cache_clear()
    redis_away(settings)
    tasks.regroup(question.pk)
    assert AnswerGroup.objects.count() == 1
    assert groups.progress(question) is None


def test_every_member_gets_its_own_mark_that_says_it_came_from_a_group(
    inference: Inference, marker: User
) -> None:
    exam = exam_in()
    answers = answers_of(exam, *SAME, OTHER)
    (group,) = regrouped(exam, inference)
    marks = groups.mark_group(group, marker, {**FULL, "comment": "同じ"})
    assert [mark.from_group for mark in marks] == [group.pk] * 3
    assert {mark.answer_id for mark in marks} == {one.pk for one in answers[:3]}
    assert [state(one)[0] for one in answers] == [6, 6, 6, None]
    assert groups.open_groups(group.question, marker) == []
    assert groups.share_saved(group.question) == pytest.approx(2 / 3)


def test_a_member_that_is_removed_is_marked_by_itself(inference: Inference, marker: User) -> None:
    exam = exam_in()
    answers = answers_of(exam, *SAME)
    (group,) = regrouped(exam, inference)
    groups.mark_group(group, marker, FULL, without=[answers[1].pk])
    assert [state(one)[2] for one in answers] == ["marked", "queued", "marked"]
    assert fresh(answers[1]).answer_group_id is None
    lease = queue.next_answer(exam, marker)
    assert lease is not None
    assert lease.answer_id == answers[1].pk


def test_what_another_marker_has_in_hand_is_left_to_them(
    inference: Inference, marker: User
) -> None:
    exam = exam_in()
    answers_of(exam, *SAME)
    (group,) = regrouped(exam, inference)
    other = make_user("m2")
    lease = queue.next_answer(exam, other)
    assert lease is not None
    assert len(groups.members(group, marker)) == 2
    marks = groups.mark_group(group, marker, FULL)
    assert len(marks) == 2
    queue.submit(fresh(lease.answer), other, FULL)


def test_a_group_in_hand_is_nobody_elses_nor_are_its_answers(
    inference: Inference, marker: User
) -> None:
    exam = exam_in()
    answers = answers_of(exam, *SAME)
    (group,) = regrouped(exam, inference)
    other = make_user("m2")
    assert groups.take(group, marker)
    assert groups.take(group, marker)
    assert not groups.take(group, other)
    assert groups.open_groups(group.question, other) == []
    assert queue.next_answer(exam, other) is None
    assert groups.mark_group(group, other, FULL, without=[answers[0].pk]) == []
    assert len(groups.members(group, marker)) == 3

    AnswerGroup.objects.update(held_until=now())
    assert groups.take(group, other)
    assert groups.members(group, marker) == []
    groups.give_back(group, marker)
    assert not groups.take(group, marker)
    groups.give_back(group, other)
    assert queue.next_answer(exam, marker) is not None


def test_two_markers_read_a_group_one_after_the_other(inference: Inference, marker: User) -> None:
    exam = exam_in(readings=2)
    answers = answers_of(exam, *SAME)
    (group,) = regrouped(exam, inference)
    other = make_user("m2")
    groups.mark_group(group, marker, FULL)
    assert groups.members(group, marker) == []
    assert groups.mark_group(group, marker, FULL) == []
    (offered,) = groups.open_groups(group.question, other)
    assert offered.open_count == 3
    groups.mark_group(group, other, {"points": 0})
    assert {state(one) for one in answers} == {(None, "", "disputed")}


def test_undoing_takes_back_the_whole_group(inference: Inference, marker: User) -> None:
    exam = exam_in()
    answers = answers_of(exam, *SAME)
    (group,) = regrouped(exam, inference)
    groups.mark_group(group, marker, FULL)
    undone = queue.undo(exam, marker)
    assert undone is not None
    assert sorted(undone.answers) == sorted(one.pk for one in answers)
    assert undone.group == group
    assert {state(one) for one in answers} == {(None, "", "queued")}
    assert groups.share_saved(group.question) == 0
    assert Mark.objects.filter(source="withdrawal").count() == 3


def test_a_group_is_not_marked_in_an_exam_that_is_fixed(inference: Inference, marker: User) -> None:
    exam = exam_in()
    answers_of(exam, *SAME)
    (group,) = regrouped(exam, inference)
    Exam.objects.update(status="fixed")
    with pytest.raises(WrongState):
        groups.mark_group(group, marker, FULL)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_group_at_the_same_instant_one_has_it(inference: Inference) -> None:
    exam = exam_in()
    markers = [make_user("m1"), make_user("m2")]
    answers_of(exam, *SAME)
    (group,) = regrouped(exam, inference)
    for _ in range(20):
        AnswerGroup.objects.update(held_by=None, held_until=None)
        told = run_concurrently([partial(groups.take, group, one) for one in markers])
        assert sorted(told) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_mark_a_group_at_the_same_instant_one_counts(inference: Inference) -> None:
    exam = exam_in()
    markers = [make_user("m1"), make_user("m2")]
    question = Question.objects.get(exam=exam, code="Q1")
    for turn in range(8):
        answers = answers_of(exam, *(f"要件{turn}{' ' * n}" for n in range(5)))
        groups.regroup(question, inference)
        (group,) = AnswerGroup.objects.all()
        told = run_concurrently([partial(groups.mark_group, group, one, FULL) for one in markers])
        assert sorted(len(one) for one in told) == [0, 5]
        assert {state(one) for one in answers} == {(6, "human", "marked")}


@pytest.mark.django_db(transaction=True)
def test_a_group_that_is_taken_while_they_are_found_anew_stays(inference: Inference) -> None:
    exam, marker = exam_in(), make_user("m1")
    question = exam.questions.get(code="Q1")
    answers_of(exam, *[""] * 20)
    for _ in range(20):
        AnswerGroup.objects.update(held_until=now())
        groups.regroup(question, inference)
        (group,) = AnswerGroup.objects.all()
        find, take = partial(groups.regroup, question, inference), partial(groups.take, group)
        _, taken = run_concurrently([find, partial(take, marker)])
        assert taken in (True, False)
        assert AnswerGroup.objects.filter(pk=group.pk).exists() is taken
        assert AnswerGroup.objects.get().answers.count() == 20

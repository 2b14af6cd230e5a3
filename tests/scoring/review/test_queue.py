"""Markers are given answers one at a time, and what they say is counted once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils.timezone import now

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from scoring.agreement import figures
from scoring.exams import definitions
from scoring.marks import giving, settlement
from scoring.models import Answer, Exam, Lease, Mark, MarkingPolicy, Question
from scoring.review import pass_line, queue
from scoring.review.progress import marking_progress
from scoring.review.workload import workload
from tests.concurrency import run_concurrently, wait_until_blocked
from tests.factories import FULL, answers_of, calibrated, exam_in, fresh, make_user, scored, state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def marker() -> User:
    return make_user("m1")


@pytest.fixture
def other() -> User:
    return make_user("m2")


def lease_next(exam: Exam, marker: User, **options: Any) -> Answer:
    """The next answer, leased to the marker; there must be one."""
    lease = queue.next_answer(exam, marker, **options)
    assert lease is not None
    return fresh(lease.answer)


def dispute(exam: Exam, text: str, *points: int) -> Answer:
    """An answer that markers d0, d1 … gave these points."""
    (answer,) = answers_of(exam, text)
    for number, value in enumerate(points):
        name = f"d{number}"
        user = User.objects.filter(username=name).first() or make_user(name)
        giving.give(answer, user, {"points": value})
    return answer


def test_the_most_urgent_answer_comes_first_of_whatever_question(marker: User) -> None:
    exam = exam_in()
    low, high = answers_of(exam, "一", "二")
    (middle,) = answers_of(exam, "the scope", question="Q2")
    for answer, urgency in ((low, 0.2), (middle, 0.5), (high, 0.9)):
        Answer.objects.filter(pk=answer.pk).update(urgency=urgency)
    order = []
    for _ in range(3):
        answer = lease_next(exam, marker)
        order.append(answer.pk)
        queue.submit(answer, marker, {"points": 1})
    assert order == [high.pk, middle.pk, low.pk]
    assert queue.next_answer(exam, marker) is None


def test_who_asks_again_gets_the_answer_that_is_theirs_with_the_lease_renewed(
    marker: User, other: User
) -> None:
    exam = exam_in(lease_minutes=10)
    answers_of(exam, "一", "二")
    first = lease_next(exam, marker)
    assert state(first) == (None, "", "claimed")
    Lease.objects.update(expires_at=now() + timedelta(seconds=5))
    assert lease_next(exam, marker).pk == first.pk
    assert Lease.objects.get().expires_at > now() + timedelta(minutes=9)
    assert lease_next(exam, other).pk != first.pk


def test_an_answer_can_be_skipped_and_one_of_another_question_is_given_back(marker: User) -> None:
    exam = exam_in()
    one, two = answers_of(exam, "一", "二")
    (three,) = answers_of(exam, "the scope", question="Q2")
    first = lease_next(exam, marker, question=one.question)
    second = lease_next(exam, marker, question=one.question, without=[first.pk])
    assert {first.pk, second.pk} == {one.pk, two.pk}
    assert state(first)[2] == "queued"
    assert lease_next(exam, marker, question=three.question).pk == three.pk
    assert Lease.objects.count() == 1


def test_a_mark_closes_the_lease_and_tells_how_long_it_took(marker: User) -> None:
    exam = exam_in()
    answers_of(exam, "一")
    answer = lease_next(exam, marker)
    later = Lease.objects.get().created_at + timedelta(seconds=42)
    mark = queue.submit(answer, marker, {**FULL, "comment": "よい"}, at=later)
    assert isinstance(mark, Mark)
    assert mark.points == 6
    assert (mark.seconds, mark.comment) == (42, "よい")
    assert state(answer) == (6, "human", "marked")
    assert not Lease.objects.exists()


def test_what_is_told_wrongly_leaves_the_answer_in_hand(marker: User) -> None:
    exam = exam_in()
    answers_of(exam, "一")
    answer = lease_next(exam, marker)
    with pytest.raises(Invalid):
        queue.submit(answer, marker, {"points": 7})
    assert lease_next(exam, marker).pk == answer.pk


def test_an_expired_lease_goes_to_another_marker_and_is_lost_to_the_first(
    marker: User, other: User
) -> None:
    exam = exam_in()
    answers_of(exam, "一")
    answer = lease_next(exam, marker)
    Lease.objects.update(expires_at=now() - timedelta(seconds=1))
    assert lease_next(exam, other).pk == answer.pk
    for deed in (queue.renew, queue.release):
        with pytest.raises(queue.LeaseLost):
            deed(answer, marker)
    with pytest.raises(queue.LeaseLost):
        queue.submit(answer, marker, FULL)
    queue.submit(answer, other, FULL)
    assert Mark.objects.filter(source="human").count() == 1


def test_the_sweep_queues_what_nobody_holds_any_more(marker: User) -> None:
    exam = exam_in()
    answers_of(exam, "一")
    answer = lease_next(exam, marker)
    assert queue.release_expired() == 0
    Lease.objects.update(expires_at=now())
    assert queue.release_expired() == 1
    assert state(answer)[2] == "queued"


def test_nobody_is_given_an_answer_that_they_have_marked(marker: User, other: User) -> None:
    exam = exam_in(readings=2)
    answers_of(exam, "一")
    answer = lease_next(exam, marker)
    queue.submit(answer, marker, FULL)
    assert state(answer)[2] == "queued"
    assert queue.next_answer(exam, marker) is None
    assert lease_next(exam, other).pk == answer.pk
    queue.submit(answer, other, FULL)
    assert state(answer) == (6, "human", "marked")


@pytest.mark.parametrize("status", ["draft", "fixed", "published"])
def test_nothing_is_given_out_unless_the_exam_is_being_marked(marker: User, status: str) -> None:
    exam = exam_in()
    answers_of(exam, "一")
    answer = lease_next(exam, marker)
    Exam.objects.update(status=status)
    exam = Exam.objects.get()
    with pytest.raises(WrongState):
        queue.next_answer(exam, marker)
    with pytest.raises(WrongState):
        queue.submit(answer, marker, FULL)
    assert not Mark.objects.filter(source="human").exists()


def test_undoing_brings_the_answer_back_into_hand(marker: User) -> None:
    exam = exam_in()
    answers_of(exam, "一", "二")
    first = lease_next(exam, marker)
    queue.submit(first, marker, {"points": 1})
    second = lease_next(exam, marker)
    undone = queue.undo(exam, marker)
    assert undone is not None
    assert undone.answers == [first.pk]
    assert undone.lease is not None
    assert undone.lease.answer_id == first.pk
    assert (state(first)[2], state(second)[2]) == ("claimed", "queued")
    assert lease_next(exam, marker).pk == first.pk
    queue.submit(first, marker, {"points": 2})
    assert state(first) == (2, "human", "marked")
    told = Mark.objects.filter(answer=first).exclude(source="machine").order_by("pk")
    assert [one.source for one in told] == ["human", "withdrawal", "human"]
    assert marking_progress(exam, marker).mine == 1


def test_only_ones_own_standing_mark_can_be_withdrawn_and_only_once(
    marker: User, other: User
) -> None:
    exam = exam_in()
    answers_of(exam, "一")
    answer = lease_next(exam, marker)
    mark = queue.submit(answer, marker, FULL)
    with pytest.raises(WrongState, match="not yours"):
        queue.withdraw(mark, other)
    assert queue.withdraw(mark, other, anyone=True) is None
    assert state(answer) == (None, "", "queued")
    with pytest.raises(WrongState, match="already"):
        queue.withdraw(mark, marker)
    assert queue.undo(exam, marker) is None


def test_a_mark_given_unasked_counts_and_one_in_hand_is_submitted(marker: User) -> None:
    exam = exam_in()
    one, two = answers_of(exam, "一", "二")
    assert isinstance(queue.mark(one, make_user("a1", "adjudicator"), FULL), Mark)
    assert state(one) == (6, "human", "marked")
    assert lease_next(exam, marker).pk == two.pk
    queue.mark(two, marker, FULL)
    assert not Lease.objects.exists()


def test_an_adjudicator_settles_a_dispute_between_others() -> None:
    exam = exam_in(readings=2)
    answer = dispute(exam, "一", 1, 5)
    own = dispute(exam, "二", 2, 6)
    senior, rival = make_user("a1", "adjudicator"), make_user("a2", "adjudicator")
    lease = queue.next_dispute(exam, senior)
    assert lease is not None
    assert lease.answer_id == answer.pk
    assert state(answer)[2] == "disputed"
    again = queue.next_dispute(exam, senior)
    assert again is not None
    assert again.pk == lease.pk
    with pytest.raises(WrongState, match="somebody else"):
        queue.adjudicate(answer, rival, {"points": 4})
    queue.adjudicate(answer, senior, {"points": 4})
    assert state(answer) == (4, "adjudicator", "adjudicated")
    with pytest.raises(WrongState, match="one of its markers"):
        queue.adjudicate(own, User.objects.get(username="d0"), {"points": 4})
    assert queue.next_dispute(exam, User.objects.get(username="d0")) is None


def test_what_nobody_has_marked_is_not_adjudicated() -> None:
    (answer,) = answers_of(exam_in(), "一")
    with pytest.raises(WrongState, match="not in dispute"):
        queue.adjudicate(answer, make_user("a1", "adjudicator"), {"points": 4})


def test_a_dispute_is_never_given_to_a_marker(marker: User) -> None:
    exam = exam_in(readings=2)
    dispute(exam, "一", 1, 5)
    assert queue.next_answer(exam, marker) is None


def test_progress_counts_what_is_done_and_left(marker: User) -> None:
    exam = exam_in()
    answers_of(exam, "一", "二", "三")
    (other_question,) = answers_of(exam, "scope", question="Q2")
    queue.submit(lease_next(exam, marker), marker, {"points": 1})
    lease_next(exam, marker)
    found = marking_progress(exam, marker)
    assert (found.done, found.left, found.disputed, found.mine, found.mine_today) == (1, 3, 0, 1, 1)
    assert marking_progress(exam, marker, other_question.question).left <= 1


def test_answers_of_candidates_near_the_pass_line_are_read_once_more(
    marker: User, other: User
) -> None:
    exam = exam_in(pass_line=4, pass_margin=1)
    near, far, judged = answers_of(exam, "一", "二", "三")
    giving.give(near, marker, {"points": 5})
    giving.give(far, marker, {"points": 6})
    giving.give(judged, marker, {"points": 4})
    queue.adjudicate(judged, other, {"points": 4})
    assert pass_line.reread_near_pass_line(exam) == 1
    assert state(near) == (5, "human", "queued")
    assert fresh(near).review_reason == "pass_line"
    assert state(far) == (6, "human", "marked")
    assert pass_line.reread_near_pass_line(exam) == 0
    assert queue.next_answer(exam, marker) is None
    assert lease_next(exam, other).pk == near.pk
    queue.submit(near, other, {"points": 5})
    assert state(near) == (5, "human", "marked")
    assert pass_line.reread_near_pass_line(exam) == 0


def test_what_was_drawn_for_the_audit_stays_in_it_near_the_pass_line(
    marker: User, other: User
) -> None:
    exam = exam_in(machine_final=True, audit_rate=1, pass_line=3, pass_margin=1)
    question = calibrated(exam)
    read, unread = answers = answers_of(exam, "一", "二")
    scored(answers, 4, 0.99, "c" * 64)
    giving.give(read, marker, {"points": 3})
    assert pass_line.reread_near_pass_line(exam) == 2
    assert [state(one) for one in answers] == [(3, "human", "queued"), (4, "machine", "queued")]
    assert [fresh(one).urgency for one in answers] == [1, 1]
    assert [fresh(one).readings for one in answers] == [2, 1]
    assert pass_line.reread_near_pass_line(exam) == 0
    giving.give(read, other, {"points": 3})
    giving.give(unread, other, {"points": 4})
    assert [state(one)[2] for one in answers] == ["marked", "marked"]
    audit = figures.question_agreement(question)["audit"]
    assert audit is not None
    assert (audit["count"], audit["exact"]) == (2, 0.5)


def test_near_the_pass_line_only_what_the_machine_settles_is_drawn_for_the_audit(
    marker: User,
) -> None:
    exam = exam_in(machine_final=True, audit_rate=0, pass_line=3, pass_margin=1)
    question = calibrated(exam)
    (answer,) = answers_of(exam, "一")
    scored([answer], 4, 0.99, "c" * 64)
    assert pass_line.reread_near_pass_line(exam) == 1
    assert fresh(answer).review_reason == "pass_line"
    MarkingPolicy.objects.filter(exam=exam).update(audit_rate=1)
    settlement.settle([answer.pk])
    assert fresh(answer).review_reason == "both"
    Question.objects.filter(pk=question.pk).update(threshold=None)
    settlement.settle([answer.pk])
    assert fresh(answer).review_reason == "pass_line"
    assert state(answer) == (None, "", "queued")


def test_workload_tells_marks_speed_and_agreement(marker: User, other: User) -> None:
    exam = exam_in(readings=2)
    for answer, one, two in zip(answers_of(exam, "一", "二"), (3, 1), (3, 5), strict=True):
        giving.give(answer, marker, {"points": one})
        giving.give(answer, other, {"points": two})
    answers_of(exam, "三")
    lease = queue.next_answer(exam, marker)
    assert lease is not None
    later = lease.created_at + timedelta(seconds=30)
    queue.submit(lease.answer, marker, FULL, at=later)
    first, second = workload(exam)
    assert (first.marker, first.marks, first.seconds) == (marker, 3, 30)
    assert (first.agreement, first.compared, first.with_references) == (0.5, 2, None)
    assert (second.marker, second.marks, second.seconds) == (other, 2, None)


@pytest.fixture
def team(transactional_db: None) -> list[User]:
    return [make_user(f"t{number}") for number in range(4)]


def test_two_who_ask_at_the_same_instant_never_get_the_same_answer(team: list[User]) -> None:
    exam = exam_in()
    answers_of(exam, *(f"解答{n}" for n in range(120)))
    given: list[int] = []
    for _ in range(30):
        leases = run_concurrently([partial(queue.next_answer, exam, user) for user in team])
        assert all(isinstance(one, Lease) for one in leases), leases
        keys = [one.answer_id for one in leases]
        assert len(set(keys)) == len(team)
        given += keys
        for user, lease in zip(team, leases, strict=True):
            queue.submit(lease.answer, user, {"points": 1})
    assert len(set(given)) == 120
    assert Mark.objects.filter(source="human").count() == 120


def test_as_many_answers_as_markers_are_left_and_each_gets_one(team: list[User]) -> None:
    exam = exam_in()
    for _ in range(15):
        answers_of(exam, *(f"解答{n}" for n in range(2)))
        answers_of(exam, *(f"scope {n}" for n in range(2)), question="Q2")
        leases = run_concurrently([partial(queue.next_answer, exam, user) for user in team])
        assert len({one.answer_id for one in leases}) == 4
        for user, lease in zip(team, leases, strict=True):
            queue.submit(lease.answer, user, {"points": 1})


def test_one_marker_who_asks_twice_at_once_has_one_answer_in_hand(team: list[User]) -> None:
    exam = exam_in()
    answers_of(exam, *(f"解答{n}" for n in range(20)))
    for _ in range(10):
        one, two = run_concurrently([partial(queue.next_answer, exam, team[0])] * 2)
        assert one.answer_id == two.answer_id
        queue.submit(one.answer, team[0], {"points": 1})


def test_of_two_submits_of_one_answer_one_counts(team: list[User]) -> None:
    exam = exam_in()
    answers_of(exam, *(f"解答{n}" for n in range(10)))
    for _ in range(10):
        answer = lease_next(exam, team[0])
        told = run_concurrently([partial(queue.submit, answer, team[0], {"points": 1})] * 2)
        assert sorted(isinstance(one, Mark) for one in told) == [False, True]
        assert any(isinstance(one, queue.LeaseLost) for one in told)


def test_no_mark_comes_into_an_exam_that_is_being_fixed(team: list[User]) -> None:
    for turn in range(10):
        exam = exam_in(code=f"E{turn}")
        answers_of(exam, "一")
        answer = lease_next(exam, team[0])

        def fix(exam: Exam = exam) -> None:
            Exam.objects.get(pk=exam.pk).become("fixed")

        told = run_concurrently([partial(queue.submit, answer, team[0], FULL), fix])
        source = fresh(answer).final_source
        assert source == ("human" if isinstance(told[0], Mark) else ""), told


def test_markers_workers_and_a_new_definition_do_not_block_each_other(team: list[User]) -> None:
    exam = exam_in(readings=2)
    answers = answers_of(exam, *(f"解答{n}" for n in range(60)))
    keys = [one.pk for one in answers]
    definition = definitions.describe(exam)

    def mark(user: User) -> None:
        for _ in range(12):
            lease = queue.next_answer(exam, user)
            if lease:
                queue.submit(lease.answer, user, {"points": 1})

    def redefine() -> None:
        for share in (0.1, 0.2, 0.3):
            definitions.load(definition | {"marking": {"readings": 2, "audit_rate": share}})

    def rescore() -> None:
        for start in range(0, 60, 10):
            settlement.settle(keys[start : start + 20])

    deeds: list[Callable[[], Any]] = [partial(mark, user) for user in team]
    told = run_concurrently([*deeds, redefine, rescore])
    assert told == [None] * 6
    assert MarkingPolicy.objects.get().audit_rate == 0.3
    given = Mark.objects.filter(source="human").values_list("answer", "marker")
    assert len(set(given)) == len(given) == 48


@pytest.mark.django_db(transaction=True)
def test_an_answer_taken_while_it_waited_to_be_settled_is_not_queued_again(marker: User) -> None:
    exam = exam_in()
    (answer,) = answers_of(exam, "解答")
    settler = threading.Thread(target=_settle_in_thread, args=(answer.pk,))
    with transaction.atomic():
        queue.next_answer(exam, marker)
        settler.start()
        wait_until_blocked("transactionid")
    settler.join(30)
    answer.refresh_from_db()
    assert answer.review == Answer.Review.CLAIMED


def _settle_in_thread(key: int) -> None:
    try:
        settlement.settle([key])
    finally:
        connection.close()


def test_of_the_machine_it_is_what_it_is_unsure_of_that_comes_first(marker: User) -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    calibrated(exam)
    answers = answers_of(exam, *(f"解答{n}" for n in range(3)))
    for answer, confidence in zip(answers, (0.8, 0.2, 0.6), strict=True):
        scored([answer], 3, confidence, "c" * 64)
    order = []
    for _ in answers:
        answer = lease_next(exam, marker)
        order.append(answer.pk)
        queue.submit(answer, marker, {"points": 1})
    assert order == [answers[1].pk, answers[2].pk, answers[0].pk]

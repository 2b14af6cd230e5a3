"""Disputes: each in one adjudicator's hands, its marks seen by nobody who may yet mark it."""

import threading
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from scoring.marks import giving, visibility
from scoring.models import Answer, Exam, Lease
from scoring.review import queue, references
from tests.clients import browser_of
from tests.concurrency import run_concurrently, wait_until_blocked
from tests.factories import answers_of, exam_in, fresh, make_user, state

pytestmark = pytest.mark.django_db
DESK = "/admin/marking/desk/ROOM/disputes/"
BY_SCRIPT = {"X-Desk": "1"}


def disputed(exam: Exam, *texts: str) -> list[Answer]:
    """Answers with two marks each, of 0 and 6 points."""
    markers = [User.objects.get_or_create(username=name)[0] for name in ("d1", "d2")]
    answers = answers_of(exam, *texts)
    for answer in answers:
        for marker, points in zip(markers, (0, 6), strict=True):
            giving.give(answer, marker, {"points": points, "comment": f"secret-{points}"})
    return answers


@pytest.mark.django_db(transaction=True)
def test_adjudicators_who_ask_at_once_never_get_the_same_dispute_nor_an_error() -> None:
    exam = exam_in(readings=2)
    answers = disputed(exam, *(f"解答{number}" for number in range(40)))
    seniors = [make_user(f"a{number}", "adjudicator") for number in range(6)]
    for _ in range(15):
        leases = run_concurrently([partial(queue.next_dispute, exam, one) for one in seniors])
        assert all(isinstance(one, Lease) for one in leases), leases
        assert len({one.answer_id for one in leases}) == len(seniors)
        Lease.objects.all().delete()
    assert len(answers) == 40


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("more", [0, 1])
def test_who_waited_for_a_dispute_that_another_took_is_given_the_next_or_none(more: int) -> None:
    exam = exam_in(readings=2)
    first, *others = disputed(exam, *(f"解答{number}" for number in range(1 + more)))
    one, two = make_user("a1", "adjudicator"), make_user("a2", "adjudicator")
    found: list[Lease | Exception | None] = []
    with transaction.atomic():
        # The second one's query begins before the lease is there and waits for the rows.
        list(Answer.objects.select_for_update().order_by("-pk"))
        waiting = threading.Thread(target=_ask_for_dispute, args=(exam, two, found))
        waiting.start()
        wait_until_blocked()
        lease = queue.next_dispute(exam, one)
    waiting.join(30)
    assert lease is not None
    assert lease.answer_id == first.pk
    [given] = found
    assert not isinstance(given, Exception), given
    assert [given.answer_id if given else None] == ([others[0].pk] if more else [None])


def _ask_for_dispute(exam: Exam, user: User, outcomes: list[Lease | Exception | None]) -> None:
    """In a thread of its own: its outcome, which the test asserts on, is added to the list."""
    try:
        outcomes.append(queue.next_dispute(exam, user))
    except Exception as error:  # noqa: BLE001
        outcomes.append(error)
    finally:
        connection.close()


def test_a_form_with_the_key_of_a_half_read_answer_shows_nobodys_mark() -> None:
    exam = exam_in(readings=2)
    (half,) = answers_of(exam, "一")
    giving.give(half, make_user("m1"), {"points": 5, "comment": "secret-5"})
    senior = make_user("a1", "adjudicator", "marker")
    told = browser_of(senior, headers=BY_SCRIPT).post(
        DESK, {"answer": half.pk, "command": "submit"}
    )
    assert told.status_code == 422
    assert "secret-5" not in told.content.decode()
    assert told.context["marks"] == []
    assert state(half)[2] == "queued"


def test_nor_of_a_reference_answer_nor_of_a_dispute_of_their_own() -> None:
    exam = exam_in(readings=2)
    reference, own = disputed(exam, "一", "二")
    references.declare(reference, make_user("chief", "exam manager"), {"points": 3})
    senior = User.objects.get(username="d1")
    senior.groups.set(make_user("a1", "adjudicator").groups.all())
    desk = browser_of(senior, headers=BY_SCRIPT)
    for answer in (reference, own):
        told = desk.post(DESK, {"answer": answer.pk, "command": "submit"})
        assert "secret-6" not in told.content.decode()


def test_an_adjudicator_sees_the_marks_again_after_taking_the_own_one_back() -> None:
    exam = exam_in(readings=2)
    (answer,) = disputed(exam, "一")
    senior = make_user("a1", "adjudicator")
    queue.adjudicate(answer, senior, {"points": 3})
    undone = queue.undo(exam, senior)
    assert undone is not None
    assert undone.lease is not None
    points: list[Any] = [
        float(one.points) for one in visibility.visible_marks(fresh(answer), senior)
    ]
    assert points == [0, 6]

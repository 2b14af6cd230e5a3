"""Who marks is not swayed: by REST and on an answer's page they see what the exam lets them."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scoring import humans, references
from scoring.models import Answer, ApiToken, Exam
from tests.scoring.marking_room import (
    answers_of,
    calibrated,
    exam_in,
    fresh,
    scored,
    someone,
    state,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def marker() -> User:
    return someone("m1")


def seen(answer: Answer, user: User) -> set[str]:
    return {mark.source for mark in humans.visible_marks(fresh(answer), user)}


def sources(*names: str) -> set[str]:
    return set(names)


@pytest.mark.parametrize(
    ("shown", "machine"), [("nothing", False), ("evidence", False), ("mark", True)]
)
def test_the_machines_points_are_seen_before_marking_only_where_the_exam_says_so(
    marker: User, shown: str, machine: bool
) -> None:
    (answer,) = answers_of(exam_in(shown=shown), "一")
    assert seen(answer, marker) == (sources("machine") if machine else set())
    humans.give(answer, marker, {"points": 3})
    assert seen(answer, marker) == sources("machine", "human")


def test_another_markers_mark_is_not_seen_before_the_second_reading_nor_after(marker: User) -> None:
    exam = exam_in(readings=2, shown="mark")
    (answer,) = answers_of(exam, "一")
    other = someone("m2")
    humans.give(answer, other, {"points": 3})
    assert seen(answer, marker) == sources("machine")
    assert seen(answer, other) == sources("machine", "human")
    humans.give(answer, marker, {"points": 5})
    assert state(answer)[2] == "disputed"
    assert [one.marker for one in humans.visible_marks(fresh(answer), marker)] == [None, marker]


def test_an_adjudicator_sees_the_marks_in_dispute_but_not_of_one_that_is_still_open() -> None:
    exam = exam_in(readings=2)
    disputed, half = answers_of(exam, "一", "二")
    humans.give(disputed, someone("m2"), {"points": 3})
    humans.give(disputed, someone("m3"), {"points": 5})
    humans.give(half, someone("m4"), {"points": 3})
    senior = someone("a", "adjudicator")
    assert seen(disputed, senior) == sources("human")
    assert seen(half, senior) == set()


def test_managers_and_viewers_see_everything_and_so_does_everyone_once_it_is_fixed(
    marker: User,
) -> None:
    exam = exam_in(readings=2, shown="nothing")
    (answer,) = answers_of(exam, "一")
    humans.give(answer, someone("m2"), {"points": 3})
    for role in ("exam manager", "viewer"):
        assert seen(answer, someone(role, role)) == sources("machine", "human")
    Exam.objects.update(status="fixed")
    assert seen(answer, marker) == sources("machine", "human")


def test_a_final_mark_that_is_being_audited_is_not_seen(marker: User) -> None:
    exam = exam_in(machine_final=True, audit_rate=1)
    calibrated(exam)
    (answer,) = answers_of(exam, "一")
    scored([answer], 4, 0.99, "c" * 64)
    assert state(answer) == (4, "machine", "queued")
    assert not humans.sees_final(fresh(answer), marker)
    assert humans.sees_final(fresh(answer), someone("v", "viewer"))


def test_the_known_mark_of_a_reference_is_not_seen(marker: User) -> None:
    (answer,) = answers_of(exam_in(shown="nothing"), "一")
    references.declare(answer, someone("chief", "exam manager"), {"points": 3})
    assert seen(answer, marker) == set()
    assert not humans.sees_final(fresh(answer), marker)


def test_rest_and_the_page_keep_to_it(marker: User) -> None:
    exam = exam_in(readings=2, shown="nothing")
    (answer,) = answers_of(exam, "一")
    humans.give(answer, someone("m2"), {"points": 5, "comment": "hidden-words"})
    [told] = rest(marker).get("/api/v1/answers").json()["results"]
    assert (told["marks"], told["final"]) == ([], None)
    User.objects.filter(pk=marker.pk).update(is_staff=True)
    browser = Client()
    browser.force_login(marker)
    page = browser.get(reverse("admin:scoring_answer_change", args=[answer.pk]))
    assert page.status_code == 200
    assert "hidden-words" not in page.content.decode()
    assert page.context["marks"] == []
    listed = browser.get(reverse("admin:scoring_answer_changelist"))
    assert {"suggestion", "final"}.isdisjoint(listed.context["cl"].list_display)


def rest(user: User) -> Any:
    """A caller with the user's token."""
    _, secret = ApiToken.issue(user)
    return Client(headers={"Authorization": f"Bearer {secret}"})

"""Markers mark what is assigned to them, and read no other answers; without assignments, all."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from pmscoring.base.faults import Invalid
from scoring.models import AnswerGroup, Assignment, Exam, Lease, Question
from scoring.review import assignments, groups, queue, references
from scoring.review.assignments import NotAssigned
from scoring.review.progress import marking_progress
from tests.clients import browser_of, client_of
from tests.factories import answers_of, exam_in, fresh, make_user, state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def exam() -> Exam:
    """Two answers to Q1 and one to Q2 wait for people."""
    found = exam_in()
    answers_of(found, "一", "二")
    answers_of(found, "the scope", question="Q2")
    return found


@pytest.fixture
def manager(db: None) -> User:
    return make_user("boss", "exam manager")


@pytest.fixture
def sato(db: None) -> User:
    return make_user("sato", "marker")


@pytest.fixture
def tanaka(db: None) -> User:
    return make_user("tanaka", "marker")


def question(exam: Exam, code: str) -> Question:
    return exam.questions.get(code=code)


def marked_by(exam: Exam, marker: User) -> set[str]:
    """The codes of the questions that the marker is given answers to, until none is left."""
    codes = set()
    while lease := queue.next_answer(exam, marker):
        codes.add(fresh(lease.answer).question.code)
        queue.submit(fresh(lease.answer), marker, {"points": 1})
    return codes


def test_without_assignments_every_marker_marks_all(exam: Exam, sato: User) -> None:
    assert marked_by(exam, sato) == {"Q1", "Q2"}


def test_a_marker_is_given_answers_to_assigned_questions_alone(
    exam: Exam, manager: User, sato: User, tanaka: User
) -> None:
    assignments.replace(exam, manager, {"sato": ["Q2"], "tanaka": None})
    assert assignments.describe(exam) == {"sato": ["Q2"], "tanaka": None}
    assert marking_progress(exam, sato).left == 1
    assert marked_by(exam, sato) == {"Q2"}
    assert marked_by(exam, tanaka) == {"Q1"}


def test_a_claim_of_another_question_is_refused(exam: Exam, manager: User, sato: User) -> None:
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    with pytest.raises(NotAssigned, match="Q1"):
        queue.next_answer(exam, sato, question(exam, "Q1"))
    with pytest.raises(NotAssigned):
        groups.open_groups(question(exam, "Q1"), sato)
    (answer,) = answers_of(exam, "三")
    Lease.objects.create(answer=answer, marker=sato, expires_at=now() - timedelta(minutes=1))
    with pytest.raises(NotAssigned):
        queue.mark(fresh(answer), sato, {"points": 1})


def test_a_marker_without_a_part_is_told_so(exam: Exam, manager: User, tanaka: User) -> None:
    make_user("sato", "marker")
    assignments.replace(exam, manager, {"sato": None})
    with pytest.raises(NotAssigned, match="no question of ROOM is assigned to you"):
        queue.next_answer(exam, tanaka)


@pytest.mark.parametrize("role", ["adjudicator", "exam manager", "superuser"])
def test_managers_and_adjudicators_are_not_bound(
    exam: Exam, manager: User, sato: User, role: str
) -> None:
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    other = make_user(role) if role == "superuser" else make_user("other", role, "marker")
    assert marked_by(exam, other) == {"Q1", "Q2"}


def test_what_is_in_hand_is_queued_again_when_the_assignment_ends(
    exam: Exam, manager: User, sato: User
) -> None:
    lease = queue.next_answer(exam, sato, question(exam, "Q1"))
    assert lease is not None
    group = AnswerGroup.objects.create(
        question=question(exam, "Q1"),
        kind="same",
        representative=lease.answer,
        held_by=sato,
        held_until=now() + timedelta(minutes=5),
    )
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    assert not Lease.objects.exists()
    assert state(lease.answer)[2] == "queued"
    assert AnswerGroup.objects.get(pk=group.pk).held_by is None


def test_what_stays_assigned_stays_in_hand(exam: Exam, manager: User, sato: User) -> None:
    lease = queue.next_answer(exam, sato, question(exam, "Q1"))
    assert lease is not None
    assignments.replace(exam, manager, {"sato": ["Q1"]})
    key = Assignment.objects.get().pk
    assignments.replace(exam, manager, {"sato": ["Q1", "Q2"]})
    assert Lease.objects.get() == lease
    assert Assignment.objects.filter(pk=key).exists()


def test_unknown_markers_and_questions_are_named(exam: Exam, manager: User, sato: User) -> None:
    make_user("viewer", "viewer")
    with pytest.raises(Invalid) as refused:
        assignments.replace(exam, manager, {"sato": ["Q1", "Q9"], "viewer": None})
    assert {fault["pointer"] for fault in refused.value.faults} == {"/sato/1", "/viewer"}
    assert not Assignment.objects.exists()


def test_lists_show_markers_the_answers_of_their_part_alone(
    exam: Exam, manager: User, sato: User
) -> None:
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    client, browser = client_of(sato), browser_of(sato)
    listed = client.get("/api/v1/answers").json()["results"]
    assert {answer["question"] for answer in listed} == {"Q2"}
    (other,) = answers_of(exam, "四")
    assert "the scope" in (page := text_of(browser, "/admin/scoring/answer/"))
    assert "四" not in page
    assert browser.get(f"/admin/scoring/answer/{other.pk}/change/").status_code in (302, 404)
    assert len(client_of(manager).get("/api/v1/answers").json()["results"]) == 4


def test_markers_see_their_own_exams_alone(exam: Exam, manager: User, sato: User) -> None:
    make_user("tanaka", "marker")
    assignments.replace(exam, manager, {"tanaka": None})
    browser = browser_of(sato)
    for address in ("/admin/", "/admin/marking/", "/admin/scoring/answer/"):
        assert exam.title not in text_of(browser, address), address
    assert "This is not assigned to you" in text_of(browser, "/admin/marking/desk/ROOM/")
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    assert exam.title in text_of(browser, "/admin/marking/")


def test_the_first_question_with_answers_left_is_the_default(
    exam: Exam, manager: User, sato: User
) -> None:
    browser = browser_of(sato)
    page = text_of(browser, "/admin/marking/")
    assert 'href="/admin/marking/desk/ROOM/?question=Q1">Begin' in page
    assert 'href="/admin/marking/desk/ROOM/">All questions mixed' in page
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    page = text_of(browser, "/admin/marking/")
    assert 'href="/admin/marking/desk/ROOM/?question=Q2">Begin' in page
    assert "All questions mixed" not in page


def text_of(browser: Client, address: str) -> str:
    return browser.get(address).content.decode()


def test_qualifying_goes_by_the_questions_of_the_part(manager: User, sato: User) -> None:
    exam = exam_in(marker_bound=0.5)
    (first,) = answers_of(exam, "一")
    references.declare(first, manager, {"points": 1})
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    with pytest.raises(references.NotQualified):
        queue.next_answer(exam, sato)
    assignments.replace(exam, manager, {"sato": ["Q1"]})
    lease = queue.next_answer(exam, sato)
    assert lease is not None
    assert lease.answer == first


def test_who_may_not_sign_in_for_now_keeps_their_part(
    exam: Exam, manager: User, sato: User
) -> None:
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    User.objects.filter(pk=sato.pk).update(is_active=False)
    browser = browser_of(manager)
    assert f'name="marker-{sato.pk}" value="Q2" checked' in text_of(
        browser, "/admin/people/exams/ROOM/"
    )
    assignments.replace(exam, manager, assignments.describe(exam))
    assert assignments.describe(exam) == {"sato": ["Q2"]}

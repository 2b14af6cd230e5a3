"""What is not a marker's part stays closed to them, whatever key or address they send."""

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scoring.models import Answer, AnswerGroup, Exam, Lease, Mark, Question
from scoring.review import assignments, comments, queue
from scoring.review.assignments import NotAssigned
from tests.clients import JSON, browser_of, client_of
from tests.factories import answers_of, exam_in, fresh, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
SCRIPT = {"X-Desk": "1"}
DESK = "/admin/marking/desk/ROOM/"
SECRET = "要件が固まらない"
RUBRIC = "原因"
ALL_POINTS = {"criterion-C1": "4", "criterion-C2": "2", "comment": "結果もある"}


@pytest.fixture
def exam() -> Exam:
    """Two answers to Q1, and one to Q2."""
    found = exam_in()
    answers_of(found, SECRET, f"{SECRET}。")
    answers_of(found, "the scope", question="Q2")
    return found


@pytest.fixture
def manager() -> User:
    return make_user("boss", "exam manager")


@pytest.fixture
def sato() -> User:
    return make_user("sato", "marker")


@pytest.fixture
def closed(exam: Exam, manager: User, sato: User) -> Answer:
    """An answer to Q1, while Q2 alone is sato's part."""
    tanaka = make_user("tanaka", "marker")
    comments.save(exam, tanaka, f"「{SECRET}」は可", exam.questions.get(code="Q1"), is_shared=True)
    assignments.replace(exam, manager, {"sato": ["Q2"], "tanaka": None})
    return Answer.objects.filter(question__code="Q1").earliest("pk")


def page(response: Any) -> str:
    return unescape(response.content.decode())


def reveals(response: Any) -> bool:
    return SECRET in page(response) or RUBRIC in page(response)


def grouped(answer: Answer) -> AnswerGroup:
    group = AnswerGroup.objects.create(
        question=answer.question, kind="near", representative=answer, size=2
    )
    Answer.objects.filter(question=answer.question).update(answer_group=group)
    return group


@pytest.mark.parametrize("points", [{}, ALL_POINTS])
@pytest.mark.parametrize("query", ["", "?question=Q2"])
def test_the_desk_shows_no_answer_of_another_part(
    closed: Answer, sato: User, points: dict[str, str], query: str
) -> None:
    sent = {"answer": closed.pk, **points}
    response = browser_of(sato).post(DESK + query, sent, headers=SCRIPT)
    assert not reveals(response)
    assert response.status_code == 409
    assert not closed.marks.by_people().exists()


@pytest.mark.parametrize("points", [{}, ALL_POINTS])
def test_the_desk_shows_and_gives_no_group_of_another_part(
    closed: Answer, sato: User, points: dict[str, str]
) -> None:
    group = grouped(closed)
    sent = {"group": group.pk, "shown": closed.pk, **points}
    response = browser_of(sato).post(f"{DESK}groups/", sent, headers=SCRIPT)
    assert not reveals(response)
    assert AnswerGroup.objects.get(pk=group.pk).held_by is None


def test_the_dialogs_show_no_rubric_of_another_part(closed: Answer, sato: User) -> None:
    browser, key = browser_of(sato), closed.question_id
    for name in ("comments", "note"):
        for sent in ({"text": " "}, {"text": "x"}, {"text": "x", "whole": "on"}, {"delete": "1"}):
            address = f"/admin/marking/{name}/{key}/"
            assert not reveals(browser.post(address, sent, headers=SCRIPT)), (name, sent)


def test_rest_shows_no_comment_of_another_part(closed: Answer, sato: User) -> None:
    client = client_of(sato)
    comments.save(closed.question.exam, sato, "自分の")
    for query in ("", "?question=Q1"):
        listed = client.get(f"/api/v1/exams/ROOM/comments{query}").json()["comments"]
        assert [row["text"] for row in listed] == ["自分の"]


def test_rest_shows_no_definition_of_another_markers_exam(
    exam: Exam, manager: User, sato: User
) -> None:
    make_user("tanaka", "marker")
    assignments.replace(exam, manager, {"tanaka": None})
    client = client_of(sato)
    assert client.get("/api/v1/exams").json()["results"] == []
    assert client.get("/api/v1/exams/ROOM").status_code == 404
    other = client_of(User.objects.get(username="tanaka"))
    assert other.get("/api/v1/exams/ROOM").status_code == 200


def claim(question: Question, marker: User) -> Answer:
    lease = queue.next_answer(question.exam, marker, question)
    assert lease is not None
    return fresh(lease.answer)


def test_what_was_typed_is_kept_when_the_part_is_taken_away(
    exam: Exam, manager: User, sato: User
) -> None:
    answer = claim(exam.questions.get(code="Q1"), sato)
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    response = browser_of(sato).post(DESK, {"answer": answer.pk, **ALL_POINTS}, headers=SCRIPT)
    assert "C1: 4\nC2: 2\n結果もある" in page(response)
    assert "your mark was not saved" in page(response)


@pytest.fixture
def lost(exam: Exam, manager: User, sato: User) -> Mark:
    """A mark of sato's in Q1, which is sato's no more."""
    answer = claim(exam.questions.get(code="Q1"), sato)
    mark = queue.submit(answer, sato, {"points": 1})
    assert isinstance(mark, Mark)
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    return mark


def test_undo_leases_no_answer_of_another_part(lost: Mark, exam: Exam, sato: User) -> None:
    response = browser_of(sato).post(DESK, {"command": "undo"}, headers=SCRIPT)
    assert not reveals(response)
    assert not Lease.objects.filter(answer=lost.answer).exists()
    assert Mark.objects.standing().filter(pk=lost.pk).exists()


def test_undo_takes_back_the_last_mark_of_the_own_part(lost: Mark, exam: Exam, sato: User) -> None:
    own = queue.submit(claim(exam.questions.get(code="Q2"), sato), sato, {"points": 1})
    undone = queue.undo(exam, sato)
    assert undone is not None
    assert undone.mark == own
    assert queue.undo(exam, sato) is None


def test_own_marks_of_another_part_are_neither_listed_nor_withdrawn(
    lost: Mark, exam: Exam, sato: User
) -> None:
    browser, client = browser_of(sato), client_of(sato)
    assert not reveals(browser.get(f"{DESK}mine/"))
    assert client.get("/api/v1/review/marks?exam=ROOM").json()["marks"] == []
    assert client.post(f"/api/v1/marks/{lost.pk}/withdrawal").status_code == 403
    response = browser.post(f"{DESK}mine/", {"command": "correct", "mark": lost.pk})
    assert not reveals(response)
    with pytest.raises(NotAssigned):
        queue.withdraw(lost, sato)


def submit(browser: Client, answer: Answer, **fields: str) -> Any:
    sent = {"answer": answer.pk, **ALL_POINTS, **fields}
    return browser.post(f"{DESK}?question=Q1", sent, headers=SCRIPT)


def test_another_mark_from_a_second_tab_is_refused_with_what_was_typed(
    exam: Exam, sato: User
) -> None:
    answer, browser = claim(exam.questions.get(code="Q1"), sato), browser_of(sato)
    assert submit(browser, answer).status_code == 200
    second = submit(browser, answer, comment="やはり")
    assert second.status_code == 409
    assert "marked this answer already, with 6 points" in page(second)
    assert "やはり" in page(second)
    assert answer.marks.by_people().get().comment == "結果もある"


def test_the_same_mark_sent_twice_goes_on(exam: Exam, sato: User) -> None:
    answer, browser = claim(exam.questions.get(code="Q1"), sato), browser_of(sato)
    submit(browser, answer)
    again = submit(browser, answer)
    assert again.status_code == 200
    assert f'value="{answer.pk}"' not in page(again)


def test_a_refused_mark_leaves_a_line_that_its_answer_was_read(
    exam: Exam, sato: User, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Answer.objects.filter(question__code="Q1").earliest("pk")
    browser = browser_of(sato)
    with caplog.at_level("INFO", "audit"):
        assert SECRET in page(browser.post(DESK, {"answer": answer.pk}, headers=SCRIPT))
    reads = [record.__dict__["answers"] for record in caplog.records if record.msg == "read"]
    assert reads == [[answer.pk]]


def test_the_boundless_keep_their_exams(exam: Exam, manager: User) -> None:
    for client in (client_of(manager), client_of(make_user("adjudicator"))):
        assert len(client.get("/api/v1/exams").json()["results"]) == 1
    body = {"criteria": {"C1": 1, "C2": 1}}
    answer = Answer.objects.earliest("pk")
    given = client_of(manager).post(f"/api/v1/answers/{answer.pk}/marks", body, content_type=JSON)
    assert given.status_code == 201

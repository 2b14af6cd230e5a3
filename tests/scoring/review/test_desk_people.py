"""Saved comments, notes on the rubric and own marks: on the desk, and by REST."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client

from pmscoring.base.faults import Invalid
from scoring.admin.marking_page import own
from scoring.models import Exam, Question, RubricNote, SavedComment
from scoring.review import assignments, comments, notes, queue, references
from scoring.review.assignments import NotAssigned
from scoring.review.queue import HumanMark
from tests.clients import JSON, browser_of, client_of
from tests.factories import answers_of, exam_in, fresh, make_user, state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
SCRIPT = {"X-Desk": "1"}
MINE = "/admin/marking/desk/ROOM/mine/"


@pytest.fixture
def exam() -> Exam:
    return exam_in()


@pytest.fixture
def sato() -> User:
    return make_user("sato", "marker")


@pytest.fixture
def tanaka() -> User:
    return make_user("tanaka", "marker")


@pytest.fixture
def manager() -> User:
    return make_user("boss", "exam manager")


def question(exam: Exam, code: str = "Q1") -> Question:
    return exam.questions.get(code=code)


def texts_of(exam: Exam, user: User, code: str = "Q1") -> set[str]:
    return {row.text for row in comments.usable(exam, user, question(exam, code))}


def mark_next(exam: Exam, marker: User, **payload: Any) -> HumanMark:
    """The marker's mark of the next answer."""
    lease = queue.next_answer(exam, marker)
    assert lease is not None
    return queue.submit(fresh(lease.answer), marker, payload)


def page(response: Any) -> str:
    return unescape(response.content.decode())


def test_comments_are_the_authors_own_until_they_are_shared(
    exam: Exam, sato: User, tanaka: User
) -> None:
    comments.save(exam, sato, " 結果に触れていない\r\n", question(exam))
    comments.save(exam, sato, "字数不足", is_shared=True)
    assert texts_of(exam, sato) == {"結果に触れていない", "字数不足"}
    assert texts_of(exam, sato, "Q2") == {"字数不足"}
    assert texts_of(exam, tanaka) == {"字数不足"}
    comments.save(exam, sato, "結果に触れていない", question(exam), is_shared=True)
    assert texts_of(exam, tanaka) == {"結果に触れていない", "字数不足"}
    assert SavedComment.objects.count() == 2


@pytest.mark.parametrize("text", ["", "  ", "x" * 1001, "a\0b", None, 3])
def test_what_is_no_comment_is_refused(exam: Exam, sato: User, text: Any) -> None:
    with pytest.raises(Invalid) as refused:
        comments.save(exam, sato, text)
    assert [fault["pointer"] for fault in refused.value.faults] == ["/text"]


def test_only_the_author_or_a_manager_deletes_a_comment(
    exam: Exam, sato: User, tanaka: User, manager: User
) -> None:
    own = comments.save(exam, sato, "自分用")
    shared = comments.save(exam, sato, "共有", is_shared=True)
    for comment, user in ((own, manager), (own, tanaka), (shared, tanaka)):
        with pytest.raises(PermissionDenied):
            comments.delete(comment, user)
    comments.delete(shared, manager)
    comments.delete(own, sato)
    assert not SavedComment.objects.exists()


def test_comments_and_notes_of_another_part_are_refused(
    exam: Exam, sato: User, tanaka: User, manager: User
) -> None:
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    with pytest.raises(NotAssigned):
        comments.save(exam, sato, "x", question(exam, "Q1"))
    with pytest.raises(NotAssigned):
        notes.write(question(exam, "Q1"), sato, "x")
    with pytest.raises(NotAssigned):
        comments.save(exam, tanaka, "x")


def test_a_note_is_answered_and_then_seen_by_all_who_mark_the_question(
    exam: Exam, sato: User, tanaka: User, manager: User
) -> None:
    note = notes.write(question(exam), sato, "「仕様変更」も認めるか。", "C1")
    assert list(notes.visible(sato)) == [note]
    assert not notes.visible(tanaka).exists()
    notes.reply(note, manager, "認める。")
    assert [(row.status, row.reply, row.replied_by) for row in notes.visible(tanaka)] == [
        ("done", "認める。", manager)
    ]
    notes.reply(note, manager, "", is_done=False)
    assert [(row.status, row.reply) for row in notes.visible(sato)] == [("open", "認める。")]
    assignments.replace(exam, manager, {"tanaka": ["Q2"]})
    assert not notes.visible(tanaka).exists()


def test_a_note_on_a_criterion_that_is_not_there_is_refused(exam: Exam, sato: User) -> None:
    for criterion in ("C9", "\0", ["C1"], None):
        with pytest.raises(Invalid) as refused:
            notes.write(question(exam), sato, "x", criterion)
        assert [fault["pointer"] for fault in refused.value.faults] == ["/criterion"]


def test_notes_go_with_the_answer_that_they_may_quote(exam: Exam, sato: User) -> None:
    (answer,) = answers_of(exam, "一")
    notes.write(question(exam), sato, "「一」とは", answer=answer)
    fresh(answer).submission.delete()
    assert not RubricNote.objects.exists()


def test_the_desks_dialogs_save_and_send_without_leaving_the_answer(exam: Exam, sato: User) -> None:
    (answer,) = answers_of(exam, "一")
    browser, key = browser_of(sato), question(exam).pk
    desk = page(browser.get("/admin/marking/desk/ROOM/"))
    assert f'action="/admin/marking/comments/{key}/"' in desk
    sent = {"text": "結果に触れていない", "shared": "on"}
    saved = browser.post(f"/admin/marking/comments/{key}/", sent, headers=SCRIPT)
    assert 'data-insert="結果に触れていない"' in page(saved)
    refused = browser.post(f"/admin/marking/comments/{key}/", {"text": " "}, headers=SCRIPT)
    assert refused.status_code == 422
    note = {"text": "認めるか", "criterion": "C1", "answer": answer.pk}
    written = browser.post(f"/admin/marking/note/{key}/", note, headers=SCRIPT)
    assert "The reply will stand here" in page(written)
    assert RubricNote.objects.get().answer == answer
    comment = SavedComment.objects.get()
    deleted = browser.post(
        f"/admin/marking/comments/{key}/", {"delete": comment.pk}, headers=SCRIPT
    )
    assert "data-insert" not in page(deleted)
    without_script = browser.post(f"/admin/marking/note/{key}/", note)
    assert without_script["Location"] == "/admin/marking/desk/ROOM/?question=Q1"


def test_managers_read_and_answer_notes_on_their_page(
    exam: Exam, sato: User, manager: User
) -> None:
    (answer,) = answers_of(exam, "一")
    note = notes.write(question(exam), sato, "認めるか", "C1", answer)
    browser = browser_of(manager)
    assert "認めるか" in page(browser.get("/admin/marking/notes/"))
    sent = {"note": note.pk, "reply": "認める", "command": "done"}
    assert browser.post("/admin/marking/notes/", sent).status_code == 302
    note.refresh_from_db()
    assert (note.status, note.reply, note.replied_by) == ("done", "認める", manager)
    too_long = {"note": note.pk, "reply": "x" * 2001, "command": "done"}
    assert "x" * 2001 in page(browser.post("/admin/marking/notes/", too_long))
    assert browser_of(sato).get("/admin/marking/notes/").status_code == 403


def test_markers_look_through_their_marks_and_correct_one(exam: Exam, sato: User) -> None:
    answers_of(exam, "一", "二")
    for _time in range(2):
        mark_next(exam, sato, criteria={"C1": 1, "C2": 1}, comment="なぜ")
    browser = browser_of(sato)
    shown = page(browser.get(MINE))
    keys = re.findall(r'name="mark" value="(\d+)"', shown)
    assert len(keys) == 2
    assert "なぜ" in shown
    desk = page(browser.post(MINE, {"command": "correct", "mark": keys[1]}))
    assert re.search(r'name="criterion-C1" value="1" checked', desk)
    assert sorted(question(exam).answers.values_list("review", flat=True)) == ["claimed", "marked"]
    assert len(re.findall('name="mark"', page(browser.get(MINE)))) == 1
    again = browser.post(MINE, {"command": "correct", "mark": keys[1]})
    assert "withdrawn already" in page(again)


def test_nobody_looks_through_or_corrects_the_marks_of_others(
    exam: Exam, sato: User, tanaka: User
) -> None:
    answers_of(exam, "一")
    mark = mark_next(exam, sato, points=1)
    browser = browser_of(tanaka)
    assert 'name="mark"' not in page(browser.get(MINE))
    assert browser.post(MINE, {"command": "correct", "mark": mark.pk}).status_code == 404


def test_a_hidden_reference_answer_looks_like_any_other(
    exam: Exam, sato: User, manager: User
) -> None:
    exam = exam_in(reference_rate=1.0)
    first, _second = answers_of(exam, "一", "二")
    references.declare(fresh(first), manager, {"points": 1})
    for _time in range(2):
        mark_next(exam, sato, points=2)
    assert len(re.findall('name="mark"', page(browser_of(sato).get(MINE)))) == 2
    listed = client_of(sato).get("/api/v1/review/marks?exam=ROOM").json()["marks"]
    assert [mark["points"] for mark in listed] == [2, 2]


def test_a_fixed_exam_is_looked_through_and_not_corrected(exam: Exam, sato: User) -> None:
    (answer,) = answers_of(exam, "一")
    mark = mark_next(exam, sato, points=1)
    Exam.objects.update(status="fixed")
    browser = browser_of(sato)
    assert 'name="mark"' not in (shown := page(browser.get(MINE)))
    assert "一" in shown
    browser.post(MINE, {"command": "correct", "mark": mark.pk})
    assert state(answer)[0] == 1


def put(client: Client, *rows: Any) -> Any:
    return client.put("/api/v1/exams/ROOM/assignments", {"assignments": rows}, content_type=JSON)


def test_assignments_by_rest(exam: Exam, sato: User, manager: User) -> None:
    client = client_of(manager)
    parts = [{"marker": "sato", "questions": ["Q1"]}]
    assert put(client, *parts).json() == {"assignments": parts}
    assert client.get("/api/v1/exams/ROOM/assignments").json() == {"assignments": parts}
    wrong = put(
        client, {"marker": "nobody", "questions": None}, {"marker": "sato", "questions": ["Q9"]}
    )
    assert [error["pointer"] for error in wrong.json()["errors"]] == [
        "/assignments/0/marker",
        "/assignments/1/questions/0",
    ]
    for rows in ([{"marker": "sato"}], [{"marker": "sato", "questions": []}], ["sato"], parts * 2):
        assert put(client, *rows).status_code == 422
    assert client_of(sato).get("/api/v1/exams/ROOM/assignments").status_code == 403
    claimed = client_of(sato).post("/api/v1/review/next?exam=ROOM&question=Q2")
    assert claimed.status_code == 403
    assert put(client).json() == {"assignments": []}


def test_comments_and_notes_by_rest(exam: Exam, sato: User, manager: User) -> None:
    marker, boss = client_of(sato), client_of(manager)
    url = "/api/v1/exams/ROOM/comments"
    saved = marker.post(url, {"text": "x", "question": "Q1", "shared": True}, content_type=JSON)
    assert (saved.status_code, saved.json()["own"]) == (201, True)
    listed = boss.get(f"{url}?question=Q1").json()["comments"]
    assert [(one["text"], one["own"]) for one in listed] == [("x", False)]
    assert boss.get(f"{url}?question=Q2").json()["comments"] == []
    assert marker.delete(f"/api/v1/comments/{saved.json()['id']}").status_code == 204
    body = {"question": "Q1", "criterion": "C1", "text": "認めるか"}
    note = marker.post("/api/v1/exams/ROOM/notes", body, content_type=JSON).json()
    reply = {"reply": "認める"}
    done = boss.post(f"/api/v1/notes/{note['id']}/reply", reply, content_type=JSON).json()
    assert (done["status"], done["reply"], done["author"]) == ("done", "認める", "sato")
    other = client_of(make_user("tanaka", "marker"))
    [seen] = other.get("/api/v1/exams/ROOM/notes").json()["notes"]
    assert (seen["reply"], seen["author"]) == ("認める", None)
    assert (
        marker.post(f"/api/v1/notes/{note['id']}/reply", reply, content_type=JSON).status_code
        == 403
    )
    for wrong in ({"text": "x"}, {**body, "answer": 9**19}, {**body, "question": "\ud800"}):
        assert marker.post("/api/v1/exams/ROOM/notes", wrong, content_type=JSON).status_code == 422


def test_older_marks_are_on_the_next_page(
    exam: Exam, sato: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "MOST", 2)
    answers_of(exam, "一", "二", "三")
    for _time in range(3):
        mark_next(exam, sato, points=1)
    browser = browser_of(sato)
    first = page(browser.get(f"{MINE}?question=Q1"))
    [older] = re.findall(r'href="([^"]+before=\d+)"', first)
    assert older.startswith(f"{MINE}?question=Q1&")
    rest = page(browser.get(older))
    assert (len(re.findall('name="mark"', first)), len(re.findall('name="mark"', rest))) == (2, 1)
    listed = client_of(sato).get("/api/v1/review/marks?exam=ROOM").json()
    assert (len(listed["marks"]), listed["before"]) == (3, None)
    address = "/api/v1/review/marks?exam=ROOM&before="
    second = client_of(sato).get(f"{address}{listed['marks'][1]['id']}").json()["marks"]
    assert second == listed["marks"][2:]
    for value in ("0", "x", "9" * 19, "-1"):
        assert client_of(sato).get(address + value).status_code == 422

"""Every field is declared as personal or not; a copy has nothing of what is personal."""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import connection
from psycopg import sql

from opsconsole.models import Event, Installation
from pmscoring.base import personal
from scoring.models import Mark, Submission, Upload
from tests.factories import exam_in, marked_by_people, submitted_answer

SECRET = "誰にも見せない解答"


def test_every_field_of_every_model_is_declared() -> None:
    assert personal.undeclared() == []


def test_a_field_that_nobody_declared_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(personal._declared, "scoring.Answer", personal._Declared())
    assert "scoring.Answer.text" in personal.undeclared()
    with pytest.raises(ValueError, match=r"scoring\.Answer\.text"):
        personal.scrub()


def test_a_declared_field_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = personal._Declared(frozenset(["id", "text", "question", "gone"]))
    monkeypatch.setitem(personal._declared, "scoring.ModelAnswer", declared)
    assert personal.undeclared() == ["scoring.ModelAnswer.gone"]


@pytest.mark.django_db
def test_scrubbed_rows_say_nothing_of_people() -> None:
    exam = exam_in()
    answer = submitted_answer(exam, SECRET, "candidate-4711-山田")
    marked_by_people([answer], [2], comment=SECRET)
    Upload.objects.create(exam=exam, file="abc", name=f"{SECRET}.csv", size=1)
    user = User.objects.create_user("yamada", "yamada@example.com", "a-password", last_name="山田")
    Event.objects.record("channel.changed")
    uid = Installation.objects.here().uid

    assert personal.scrub() > 0

    answer.refresh_from_db()
    assert answer.text == "□" * len(SECRET)
    assert Submission.objects.get().candidate == f"candidate-{answer.submission_id}"
    assert Mark.objects.get().comment == ""
    assert Upload.objects.get().file.name == ""
    user.refresh_from_db()
    assert (user.username, user.email, user.last_name) == (f"user-{user.pk}", "", "")
    assert authenticate(username=user.username, password="a-password") is None
    assert not Event.objects.exists()
    assert Installation.objects.here().uid != uid
    assert everywhere("□") == ["scoring_answer"]
    assert everywhere(SECRET) == everywhere("山田") == []


def everywhere(text: str) -> list[str]:
    """The tables in which the text stands."""
    query = sql.SQL("SELECT 1 FROM {} t WHERE t::text LIKE %s")
    found = []
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(query.format(sql.Identifier(name)), [f"%{text}%"])
            found += [name] * bool(cursor.fetchone())
    return found


@pytest.mark.django_db
def test_marks_refuse_changes_again_afterwards() -> None:
    answer = submitted_answer(exam_in(), SECRET)
    marked_by_people([answer], [2])
    personal.scrub()
    with pytest.raises(Exception, match="mark"):
        Mark.objects.update(comment="changed")

"""Answers that arrive in several files: further questions, the same again, another text."""

from typing import Any

import pytest
from django.test import Client

from scoring.intake import submissions
from scoring.models import Answer, Batch, Exam, Mark, Submission
from tests.clients import JSON, NDJSON, ndjson
from tests.factories import answers_of, exam_in, fresh, marked_by_people, scored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def exam() -> Exam:
    return exam_in()


def paper(exam: Exam, candidate: str = "l01", **texts: str) -> dict[str, Any]:
    answers = [{"question": code, "text": text} for code, text in texts.items()]
    return {"exam": exam.code, "candidate": candidate, "answers": answers}


def taken(*papers: dict[str, Any], conflicts: str = "refuse") -> Any:
    return submissions.accept_all(enumerate(papers, 1), conflicts)


def texts_of(candidate: str = "l01") -> dict[str, str]:
    rows = Answer.objects.filter(submission__candidate=candidate)
    return dict(rows.values_list("question__code", "text"))


def test_a_second_paper_adds_the_questions_that_were_not_there(exam: Exam) -> None:
    taken(paper(exam, Q1="一"))
    second = taken(paper(exam, Q2="two"))
    assert (second.accepted, second.rejected) == (1, [])
    assert texts_of() == {"Q1": "一", "Q2": "two"}
    assert Submission.objects.get().answers.get(question__code="Q2").batch == second.batch
    assert second.questions == {exam.questions.get(code="Q2").pk}


def test_the_same_text_again_changes_nothing_in_whatever_width_it_comes(exam: Exam) -> None:
    taken(paper(exam, Q1="要件ABC"))
    again = taken(paper(exam, Q1="要件ＡＢＣ"), paper(exam, Q1="要件ABC"))
    assert (again.accepted, again.added, again.rejected) == (2, 0, [])
    assert texts_of() == {"Q1": "要件ABC"}


def test_lines_of_one_stream_add_to_each_other(exam: Exam) -> None:
    outcome = taken(paper(exam, Q1="一"), paper(exam, Q2="two"), paper(exam, Q1="別"))
    assert outcome.accepted == 2
    assert [(each["line"], each["pointer"]) for each in outcome.rejected] == [
        (3, "/answers/0/text")
    ]
    assert texts_of() == {"Q1": "一", "Q2": "two"}


def test_another_text_is_a_conflict_that_names_the_question(exam: Exam) -> None:
    taken(paper(exam, Q1="一"))
    outcome = taken(paper(exam, Q2="two", Q1="別"))
    [rejection] = outcome.rejected
    assert rejection["pointer"] == "/answers/1/text"
    expected = "another text for Q1 is stored for attempt 1 of this candidate"
    assert rejection["detail"] == expected
    assert texts_of() == {"Q1": "一"}


def test_skipped_conflicts_leave_the_stored_answer_and_add_the_others(exam: Exam) -> None:
    taken(paper(exam, Q1="一"))
    outcome = taken(paper(exam, Q1="別", Q2="two"), conflicts="skip")
    assert [each["pointer"] for each in outcome.skipped] == ["/answers/0/text"]
    assert (outcome.accepted, outcome.rejected) == (1, [])
    assert texts_of() == {"Q1": "一", "Q2": "two"}


def test_a_replaced_answer_keeps_its_marks_and_the_other_questions_theirs(exam: Exam) -> None:
    (first,) = answers_of(exam, "要件")
    key = first.submission
    taken(paper(exam, key.candidate, Q2="two"))
    second = key.answers.get(question__code="Q2")
    scored([second])
    marked_by_people([first, second], [2, 1])
    outcome = taken(paper(exam, key.candidate, Q1="別"), conflicts="replace")
    assert outcome.added == 1
    assert texts_of(key.candidate) == {"Q1": "別", "Q2": "two"}
    new = key.answers.get(question__code="Q1")
    assert (new.status, new.final_points, new.review) == ("waiting", None, "none")
    assert fresh(second).final_points == 1
    old = Answer.everything.get(pk=first.pk)
    assert (old.counts, old.final_points, old.review) == (False, None, "none")
    assert Mark.objects.filter(answer=old).by_people().count() == 1


def test_of_replacements_in_one_stream_the_last_counts(exam: Exam) -> None:
    papers = [paper(exam, Q1=text) for text in ("一", "二", "三")]
    assert taken(*papers, conflicts="replace").added == 3
    assert texts_of() == {"Q1": "三"}
    assert Answer.everything.count() == 3


def test_an_absent_candidate_gets_no_answers_under_any_rule(exam: Exam) -> None:
    taken({"exam": exam.code, "candidate": "l01", "absent": True})
    for rule in ("refuse", "skip", "replace"):
        [rejection] = taken(paper(exam, Q1="一"), conflicts=rule).rejected
        assert rejection["pointer"] == "/absent"
    assert not Answer.objects.exists()
    assert taken({"exam": exam.code, "candidate": "l01", "absent": True}).accepted == 1


def test_comparing_tells_what_would_happen_and_stores_nothing(exam: Exam) -> None:
    taken(paper(exam, Q1="一"))
    before = (Answer.everything.count(), Submission.everything.count(), Batch.objects.count())
    papers = [paper(exam, Q1="別", Q2="two"), paper(exam, "l02", Q1="一")]
    outcome = submissions.compare_all(enumerate(papers, 1))
    assert (outcome.accepted, outcome.added, len(outcome.skipped)) == (2, 2, 1)
    assert outcome.in_conflict == {Answer.objects.get().pk}
    after = (Answer.everything.count(), Submission.everything.count(), Batch.objects.count())
    assert before == after


def test_over_rest_a_conflict_names_the_question_and_the_caller_chooses(
    manager: Client, exam: Exam
) -> None:
    def post(rule: str = "", **texts: str) -> Any:
        address = f"/api/v1/submissions{rule}"
        return manager.post(address, paper(exam, **texts), content_type=JSON)

    assert post(Q1="一").status_code == 202
    assert {row["question"] for row in post(Q2="two").json()["answers"]} == {"Q1", "Q2"}
    refused = post(Q1="別")
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["pointer"] == "/answers/0/text"
    assert "Q1" in refused.json()["errors"][0]["detail"]
    assert post("?conflicts=skip", Q1="別").status_code == 202
    assert texts_of()["Q1"] == "一"
    assert post("?conflicts=replace", Q1="別").status_code == 202
    assert texts_of()["Q1"] == "別"
    assert post("?conflicts=other", Q1="別").status_code == 422


def test_a_stream_over_rest_lists_what_it_skipped(manager: Client, exam: Exam) -> None:
    taken(paper(exam, Q1="一"))
    body = ndjson(paper(exam, Q1="別", Q2="two"))
    response = manager.post(
        "/api/v1/submissions/bulk?conflicts=skip", body, content_type=NDJSON
    ).json()
    assert (response["accepted"], response["rejected"]) == (1, [])
    assert [(each["line"], each["pointer"]) for each in response["skipped"]] == [
        (1, "/answers/0/text")
    ]

"""Answers that are taken back, and brought back."""

from typing import Any

import pytest
from django.test import Client

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from scoring import results
from scoring.agreement import pairs
from scoring.calibration import fitting
from scoring.intake import submissions, withdrawals
from scoring.machine import batches
from scoring.marks import settlement
from scoring.models import Answer, AnswerGroup, Batch, Exam, Lease, Mark, Submission
from scoring.review import groups, queue
from scoring.review.progress import marking_progress
from tests.clients import JSON
from tests.factories import answers_of, exam_in, fresh, make_user, marked_by_people
from tests.scoring.intake.test_question_by_question import paper, taken, texts_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def exam() -> Exam:
    return exam_in()


@pytest.fixture
def anna() -> Any:
    return make_user("anna", "exam manager")


def batch_of(*papers: dict[str, Any], **more: Any) -> Batch:
    batch = taken(*papers, **more).batch
    assert isinstance(batch, Batch)
    return batch


def candidates(exam: Exam) -> set[str]:
    return {total["candidate"] for _rows, total in results.candidates(exam)}


def test_a_withdrawn_answer_is_in_no_queue_figure_or_result(exam: Exam, anna: Any) -> None:
    (answer,) = answers_of(exam, "要件")
    marked_by_people([answer], [2])
    assert pairs.compare(answer.question).pairs
    withdrawals.withdraw(answer.submission, anna, "wrong file", marked=1)
    marker = make_user("marker")
    assert queue.next_answer(exam, marker) is None
    assert candidates(exam) == set()
    progress = marking_progress(exam, marker)
    assert (progress.done, progress.left) == (0, 0)
    assert not pairs.compare(answer.question).pairs
    assert not list(fitting._marked(answer.question))
    assert batches.questions_waiting() == []
    assert Mark.objects.filter(answer=answer).by_people().count() == 1


def test_no_machine_marks_what_was_withdrawn_while_it_was_scored(exam: Exam, anna: Any) -> None:
    batch = batch_of(paper(exam, Q1="一"))
    question = exam.questions.get(code="Q1")
    [claimed] = Answer.objects.claim(question.pk, 10)
    withdrawals.withdraw(batch, anna, "wrong file")
    judgement = batches.Judgement("一", "m" * 64, 2, [], [], None)
    batches._write_marks(question, [claimed], {claimed.text_key: judgement})
    assert not Mark.objects.exists()
    assert batches.questions_waiting() == []


def test_a_marker_who_has_it_in_hand_is_told(exam: Exam, anna: Any) -> None:
    (answer,) = answers_of(exam, "要件")
    settlement.settle([answer.pk])
    marker = make_user("marker")
    lease = queue.next_answer(exam, marker)
    assert lease
    withdrawals.withdraw(answer.submission, anna, "wrong file")
    assert not Lease.objects.exists()
    with pytest.raises(WrongState):
        queue.submit(answer, marker, {"points": 1})
    with pytest.raises(WrongState, match="withdrawn or replaced"):
        queue.mark(answer, make_user("adjudicator"), {"points": 1})
    assert not Mark.objects.filter(answer=answer).by_people().exists()


def test_marked_answers_need_their_number(exam: Exam, anna: Any) -> None:
    first, second = answers_of(exam, "要件", "別")
    marked_by_people([first], [2])
    batch = first.submission.batch
    assert batch
    with pytest.raises(withdrawals.Unconfirmed, match="1 of these"):
        withdrawals.withdraw(batch, anna, "wrong file")
    found = withdrawals.extent(first.submission)
    assert (found.answers, found.marked) == (1, 1)
    withdrawals.withdraw(first.submission, anna, "wrong file", marked=1)
    assert candidates(exam) == {second.submission.candidate}


def test_a_reason_is_needed(exam: Exam, anna: Any) -> None:
    batch = batch_of(paper(exam, Q1="一"))
    with pytest.raises(Invalid):
        withdrawals.withdraw(batch, anna, "  ")
    assert texts_of() == {"Q1": "一"}


def test_a_batch_takes_back_the_questions_that_it_brought_alone(exam: Exam, anna: Any) -> None:
    batch_of(paper(exam, Q1="一"))
    second = batch_of(paper(exam, Q2="two"), paper(exam, "l02", Q1="一"))
    withdrawals.withdraw(second, anna, "wrong file")
    assert texts_of() == {"Q1": "一"}
    assert candidates(exam) == {"l01"}


def test_the_way_back_restores_marks_and_final_points(exam: Exam, anna: Any) -> None:
    (answer,) = answers_of(exam, "要件")
    marked_by_people([answer], [2])
    withdrawal, _questions = withdrawals.withdraw(answer.submission, anna, "wrong", marked=1)
    restored = withdrawals.restore(withdrawal, anna)
    assert (restored.answers, restored.replaced) == (1, 0)
    assert restored.questions == {answer.question_id}
    assert fresh(answer).final_points == 2
    assert fresh(answer).final_source == "human"
    assert candidates(exam) == {answer.submission.candidate}
    with pytest.raises(WrongState):
        withdrawals.restore(withdrawal, anna)


def test_what_a_withdrawn_file_had_replaced_counts_again(exam: Exam, anna: Any) -> None:
    batch_of(paper(exam, Q1="一"))
    second = batch_of(paper(exam, Q1="別"), conflicts="replace")
    withdrawal, questions = withdrawals.withdraw(second, anna, "wrong file")
    assert texts_of() == {"Q1": "一"}
    assert questions == {exam.questions.get(code="Q1").pk}
    withdrawals.restore(withdrawal, anna)
    assert texts_of() == {"Q1": "別"}


def test_a_withdrawn_paper_can_arrive_again_and_then_the_later_one_counts(
    exam: Exam, anna: Any
) -> None:
    first = batch_of(paper(exam, Q1="一"))
    withdrawal, _questions = withdrawals.withdraw(first, anna, "wrong file")
    batch_of(paper(exam, Q1="別"))
    assert texts_of() == {"Q1": "別"}
    restored = withdrawals.restore(withdrawal, anna)
    assert (restored.answers, restored.replaced) == (1, 1)
    assert texts_of() == {"Q1": "別"}


def test_absent_candidates_are_taken_back_with_their_file(exam: Exam, anna: Any) -> None:
    absent = {"exam": exam.code, "candidate": "l01", "absent": True}
    batch = batch_of(absent)
    withdrawal, _questions = withdrawals.withdraw(batch, anna, "wrong list")
    assert candidates(exam) == set()
    batch_of(paper(exam, Q1="一"))
    withdrawals.restore(withdrawal, anna)
    assert Submission.objects.get().absent is False


def test_answers_do_not_come_back_to_a_candidate_who_is_absent_by_now(
    exam: Exam, anna: Any
) -> None:
    withdrawal, _questions = withdrawals.withdraw(batch_of(paper(exam, Q1="一")), anna, "wrong")
    batch_of({"exam": exam.code, "candidate": "l01", "absent": True})
    with pytest.raises(WrongState, match="absent"):
        withdrawals.restore(withdrawal, anna)
    assert not Answer.objects.exists()


def test_neither_way_is_open_once_the_exam_is_fixed(exam: Exam, anna: Any) -> None:
    first, second = batch_of(paper(exam, Q1="一")), batch_of(paper(exam, "l02", Q1="一"))
    withdrawal, _questions = withdrawals.withdraw(first, anna, "wrong")
    Exam.objects.filter(pk=exam.pk).update(status="fixed")
    with pytest.raises(WrongState):
        withdrawals.restore(withdrawal, anna)
    with pytest.raises(WrongState):
        withdrawals.withdraw(second, anna, "wrong")
    assert texts_of("l02") == {"Q1": "一"}


def test_a_group_goes_with_the_answer_that_leads_it(exam: Exam, anna: Any) -> None:
    first, second = answers_of(exam, "要件", "要件")
    settlement.settle([first.pk, second.pk])
    groups._store(
        first.question, [groups.NewGroup(AnswerGroup.Kind.SAME, 0.0, [first.pk, second.pk])]
    )
    withdrawals.withdraw(first.submission, anna, "wrong")
    assert fresh(second).answer_group is None
    assert not AnswerGroup.objects.exists()


def test_answers_come_back_to_a_candidate_whose_absence_was_withdrawn_too(
    exam: Exam, anna: Any
) -> None:
    taken(paper(exam, Q1="一"))
    first, _ = withdrawals.withdraw(Submission.objects.get(), anna, "wrong")
    taken({"exam": exam.code, "candidate": "l01", "absent": True})
    withdrawals.withdraw(Submission.objects.get(), anna, "wrong")
    withdrawals.restore(first, anna)
    [(rows, total)] = results.candidates(exam)
    assert (rows[0]["status"], rows[0]["counted"], total["absent"]) == ("waiting", True, False)
    assert not total["complete"]


def test_over_rest_it_is_confirmed_told_and_taken_back(manager: Client, exam: Exam) -> None:
    (answer,) = answers_of(exam, "要件")
    marked_by_people([answer], [2])
    address = f"/api/v1/submissions/{answer.submission_id}/withdrawal"

    def post(**body: Any) -> Any:
        return manager.post(address, body, content_type=JSON)

    assert post().status_code == 422
    refused = post(reason="wrong file")
    assert (refused.status_code, "1 of these" in refused.json()["detail"]) == (409, True)
    done = post(reason="wrong file", marked=1)
    assert done.status_code == 201, done.content
    assert done.json()["answers"] == 1
    assert manager.get(f"/api/v1/answers?exam={exam.code}").json()["results"] == []
    assert manager.get(f"/api/v1/submissions/{answer.submission_id}").json()["withdrawn"]
    [listed] = manager.get(f"/api/v1/withdrawals?exam={exam.code}").json()["results"]
    assert (listed["reason"], listed["restored_at"]) == ("wrong file", None)
    back = manager.post(f"/api/v1/withdrawals/{listed['id']}/restoration")
    assert (back.status_code, back.json()["restored"], back.json()["replaced"]) == (200, 1, 0)
    assert fresh(answer).final_points == 2
    assert manager.post(f"/api/v1/withdrawals/{listed['id']}/restoration").status_code == 409


def test_batches_are_withdrawn_over_rest_too(manager: Client, exam: Exam) -> None:
    batch = batch_of(paper(exam, Q1="一"))
    address = f"/api/v1/batches/{batch.pk}/withdrawal"
    assert manager.post(address, {"reason": "x"}, content_type=JSON).status_code == 201
    assert not Answer.objects.exists()
    assert submissions.compare_all([(1, paper(exam, Q1="別"))]).added == 1

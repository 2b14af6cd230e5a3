"""What is final, and what people are still asked, follows from the marks and the policy."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from pmscoring.base.lifecycle import WrongState
from scoring.calibration import promotion, thresholds
from scoring.exams import definitions
from scoring.machine import batches
from scoring.marks import giving, settlement
from scoring.models import Answer, Calibration, Exam, Mark, Question
from scoring.review import queue
from tests.factories import answers_of, calibrated, exam_in, fresh, make_user, scored, state
from tests.scoring.fake_inference import FakeInference, right

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
D = Decimal


@pytest.mark.parametrize(
    ("points", "tolerance", "step", "majority", "expected"),
    [
        (["3"], "0", "1", False, "3"),
        (["3", "3"], "0", "1", False, "3"),
        (["2", "4"], "1", "1", False, None),
        (["2", "3"], "1", "1", False, "3"),
        (["2", "3"], "1", "0.5", False, "2.5"),
        (["0", "1"], "1", "1", False, "1"),
        (["1", "5", "5"], "0", "1", True, "5"),
        (["1", "5", "5"], "0", "1", False, None),
        (["1", "3", "5"], "0", "1", True, None),
        (["1", "2", "3"], "1", "1", True, "2"),
        (["1", "2", "6"], "1", "1", True, "2"),
        (["1", "2", "3"], "2", "1", False, "2"),
        (["1", "1", "4", "4"], "0", "1", True, None),
    ],
)
def test_marks_agree_within_the_tolerance_and_their_mean_is_rounded_half_up(
    points: list[str], tolerance: str, step: str, majority: bool, expected: str | None
) -> None:
    found = settlement.agreed([D(one) for one in points], D(tolerance), D(step), majority=majority)
    assert found == (None if expected is None else D(expected))


def test_an_answer_without_a_final_mark_is_queued_while_people_mark() -> None:
    for status, review in (("draft", "none"), ("trial", "queued"), ("marking", "queued")):
        (answer,) = answers_of(exam_in(status, code=status), "要件")
        assert state(answer) == (None, "", review)


def test_answers_are_queued_when_the_exam_comes_to_be_marked_and_not_when_it_goes_back() -> None:
    exam = exam_in("draft")
    (answer,) = answers_of(exam, "要件")
    for status, review in (("trial", "queued"), ("draft", "none"), ("marking", "queued")):
        definitions.load(definitions.describe(exam) | {"state": status})
        exam = Exam.objects.get(pk=exam.pk)
        assert state(answer) == (None, "", review)


def test_what_the_machine_has_not_scored_yet_waits_for_it_and_what_failed_is_urgent() -> None:
    exam = exam_in()
    one, other = answers_of(exam, "要件", "合意")
    Answer.objects.filter(pk=one.pk).update(status="waiting")
    Answer.objects.filter(pk=other.pk).update(status="failed")
    settlement.settle([one.pk, other.pk])
    assert (fresh(one).review, fresh(other).review) == ("none", "queued")
    assert fresh(other).urgency == 1.0


def test_a_sure_mark_of_the_machine_is_final_where_the_exam_allows_it() -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    calibrated(exam)
    sure, unsure, bare = answers_of(exam, "一", "二", "三")
    scored([sure], 4, 0.95, "c" * 64)
    scored([unsure], 4, 0.7, "c" * 64)
    assert state(sure) == (4, "machine", "none")
    assert state(unsure) == (None, "", "queued")
    assert fresh(unsure).urgency == pytest.approx(0.3)
    assert state(bare) == (None, "", "queued")
    assert fresh(unsure).review_reason == "uncertain"


@pytest.mark.parametrize(
    "flag",
    [
        "off_topic",
        "wrong_language",
        "copied_prompt",
        "too_long",
        "too_short",
        "stuffed",
        "garbled",
    ],
)
def test_a_flagged_answer_is_not_final_by_the_machine_alone_and_comes_first(flag: str) -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    calibrated(exam)
    unsure, flagged, blank = answers_of(exam, "一", "二", "")
    Answer.objects.filter(pk=flagged.pk).update(flags=[flag])
    Answer.objects.filter(pk=blank.pk).update(flags=["blank"])
    scored([unsure], 4, 0.1, "c" * 64)
    scored([flagged, blank], 4, 0.99, "c" * 64)
    assert state(flagged) == (None, "", "queued")
    assert (fresh(flagged).review_reason, fresh(flagged).urgency) == ("flagged", 1.0)
    assert state(blank) == (4, "machine", "none")
    lease = queue.next_answer(exam, make_user("m1"))
    assert lease is not None
    assert lease.answer_id == flagged.pk
    queue.submit(lease.answer, lease.marker, {"points": 1})
    assert state(flagged) == (1, "human", "marked")


def test_a_flag_that_the_exam_calls_harmless_leaves_the_machines_mark_final() -> None:
    exam = exam_in(machine_final=True, audit_rate=0, harmless_flags=["too_long"])
    calibrated(exam)
    long, both, blank = answers_of(exam, "一", "二", "")
    for answer, flags in (
        (long, ["too_long"]),
        (both, ["too_long", "stuffed"]),
        (blank, ["blank"]),
    ):
        Answer.objects.filter(pk=answer.pk).update(flags=flags)
    scored([long, both, blank], 4, 0.99, "c" * 64)
    assert state(long) == (4, "machine", "none")
    assert state(both) == state(blank) == (None, "", "queued")
    definitions.load(definitions.describe(exam) | {"marking": {"machine_final": True}})
    assert state(long) == (None, "", "queued")


def test_without_a_confidence_flagged_answers_are_in_the_random_order_of_all() -> None:
    exam = exam_in()
    answers = answers_of(exam, *(f"解答{n}" for n in range(20)))
    before = [fresh(answer).urgency for answer in answers]
    Answer.objects.update(flags=["too_short"])
    settlement.settle_exam(exam)
    assert [fresh(answer).urgency for answer in answers] == before
    assert {fresh(answer).review_reason for answer in answers} == {"flagged"}


@pytest.mark.parametrize("way", ["policy", "threshold", "calibration", "definition"])
def test_no_mark_of_the_machine_is_final_without_all_that_makes_it_so(way: str) -> None:
    exam = exam_in(machine_final=way != "policy", audit_rate=0)
    question = calibrated(exam, None if way == "threshold" else 0.9)
    (answer,) = answers_of(exam, "一")
    Mark.objects.create(
        answer=answer,
        source="machine",
        points=4,
        confidence=0.99,
        calibration="d" * 64 if way == "calibration" else "c" * 64,
        model="n" * 64,
        definition="old" if way == "definition" else question.digest,
    )
    settlement.settle([answer.pk])
    assert state(answer) == (None, "", "queued")


def test_a_part_of_what_the_machine_settled_is_audited_and_the_mark_stands_meanwhile() -> None:
    exam = exam_in(machine_final=True, audit_rate=0.3)
    calibrated(exam)
    answers = answers_of(exam, *(f"解答{n}" for n in range(200)))
    scored(answers, 4, 0.95, "c" * 64)
    audited = [one for one in map(fresh, answers) if one.review == "queued"]
    assert 35 < len(audited) < 90
    assert {one.review_reason for one in audited} == {"audit"}
    assert {one.final_source for one in map(fresh, answers)} == {"machine"}
    again = {one.pk for one in audited}
    settlement.settle_exam(exam)
    assert {one.pk for one in map(fresh, answers) if one.review == "queued"} == again
    giving.give(audited[0], make_user("m1"), {"points": 3})
    assert state(audited[0]) == (3, "human", "marked")
    assert fresh(audited[0]).review_reason == "audit"


def test_a_person_overrules_the_machine_and_an_adjudicator_everyone() -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    calibrated(exam)
    (answer,) = answers_of(exam, "一")
    scored([answer], 4, 0.95, "c" * 64)
    marker = make_user("m1")
    giving.give(answer, marker, {"points": 1})
    assert state(answer) == (1, "human", "marked")
    Mark.objects.create(answer=answer, source="adjudicator", marker=make_user("a"), points=2)
    settlement.settle([answer.pk])
    assert state(answer) == (2, "adjudicator", "adjudicated")


def test_two_readings_are_asked_for_and_agree_or_are_disputed() -> None:
    exam = exam_in(readings=2, tolerance=1)
    agreed, disputed = answers_of(exam, "一", "二")
    one, two = make_user("m1"), make_user("m2")
    giving.give(agreed, one, {"points": 3})
    assert state(agreed) == (None, "", "queued")
    giving.give(agreed, two, {"points": 4})
    assert state(agreed) == (4, "human", "marked")
    giving.give(disputed, one, {"points": 1})
    giving.give(disputed, two, {"points": 4})
    assert state(disputed) == (None, "", "disputed")


def test_a_third_marker_settles_what_two_could_not_or_leaves_it_to_the_adjudicator() -> None:
    exam = exam_in(readings=2, tolerance=0, settling="third")
    settled, open_still = answers_of(exam, "一", "二")
    markers = [make_user(f"m{n}") for n in range(3)]
    for answer in (settled, open_still):
        giving.give(answer, markers[0], {"points": 1})
        giving.give(answer, markers[1], {"points": 5})
        assert state(answer) == (None, "", "queued")
        assert (fresh(answer).readings, fresh(answer).urgency) == (3, 1.0)
    giving.give(settled, markers[2], {"points": 5})
    giving.give(open_still, markers[2], {"points": 3})
    assert state(settled) == (5, "human", "marked")
    assert state(open_still) == (None, "", "disputed")


def test_nobody_marks_an_answer_twice() -> None:
    (answer,) = answers_of(exam_in(readings=2), "一")
    marker = make_user("m1")
    giving.give(answer, marker, {"points": 3})
    with pytest.raises(WrongState, match="already"):
        giving.give(answer, marker, {"points": 3})


def test_a_fixed_exam_stays_as_it_is_whatever_marks_come() -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    calibrated(exam)
    (answer,) = answers_of(exam, "一")
    Exam.objects.filter(pk=exam.pk).update(status="fixed")
    scored([answer], 4, 0.99, "c" * 64)
    assert state(answer) == (None, "", "queued")
    with pytest.raises(WrongState, match="fixed"):
        giving.give(fresh(answer), make_user("m1"), {"points": 3})


def by_deed(exam: Exam) -> None:
    settlement.become(Exam.objects.get(pk=exam.pk), "fixed")


def by_definition(exam: Exam) -> None:
    definitions.load(definitions.describe(exam) | {"state": "fixed"}, unfinished=exam.code)


def with_another_threshold(question: Question) -> None:
    thresholds.apply(question, 0.95)


def under_another_calibration(question: Question) -> None:
    promotion.promote(
        Calibration.objects.create(
            question=question, status="ready", sha256="d" * 64, definition=question.digest
        )
    )


@pytest.mark.parametrize("fix", [by_deed, by_definition])
@pytest.mark.parametrize("change", [with_another_threshold, under_another_calibration])
def test_an_exam_is_not_fixed_with_marks_that_have_lost_their_right(
    fix: Callable[[Exam], None], change: Callable[[Question], None]
) -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    question = calibrated(exam, 0.8)
    (answer,) = answers_of(exam, "一")
    scored([answer], 4, 0.85, "c" * 64)
    change(question)
    with pytest.raises(WrongState, match="1 answer of ROOM waits for the machine"):
        fix(exam)
    assert fresh(answer).question.exam.status == "marking"
    scored([answer], 4, 0.85, "e" * 64)
    fix(exam)
    assert fresh(answer).question.exam.status == "fixed"
    assert state(answer) == (None, "", "queued")


def test_with_another_threshold_a_worker_settles_without_a_call_and_then_it_is_fixed() -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    question = calibrated(exam, 0.8)
    (answer,) = answers_of(exam, "一")
    scored([answer], 4, 0.85, "c" * 64)
    with_another_threshold(question)
    service = FakeInference(right)
    service.is_away = True
    batches.score_waiting(question, service.client)
    by_deed(exam)
    assert state(answer) == (None, "", "queued")


def test_what_people_settled_or_what_failed_does_not_keep_an_exam_from_being_fixed() -> None:
    exam = exam_in()
    settled, failed, waiting, held = answers_of(exam, "一", "二", "三", "四")
    giving.give(settled, make_user("m1"), {"points": 3})
    for status, some in (
        ("failed", [failed]),
        ("waiting", [settled, waiting]),
        ("scoring", [held]),
    ):
        Answer.objects.filter(pk__in=[one.pk for one in some]).update(status=status)
    with pytest.raises(WrongState, match="2 answers of ROOM wait"):
        by_deed(exam)
    for one in (waiting, held):
        giving.give(one, make_user(f"m{one.pk}"), {"points": 3})
    by_deed(exam)
    assert {state(one)[1] for one in (settled, waiting, held)} == {"human"}


def test_only_what_could_be_fixed_is_told_what_it_waits_for() -> None:
    exam = exam_in("trial")
    (answer,) = answers_of(exam, "一")
    Answer.objects.filter(pk=answer.pk).update(status="waiting")
    with pytest.raises(WrongState, match="cannot become: fixed"):
        by_deed(exam)


def test_what_a_definition_changes_is_settled_before_it_fixes_the_exam() -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    calibrated(exam)
    (answer,) = answers_of(exam, "一")
    scored([answer], 4, 0.95, "c" * 64)
    definition = definitions.describe(exam) | {"state": "fixed"}
    definition["marking"]["machine_final"] = False
    definitions.load(definition, unfinished=exam.code)
    assert fresh(answer).question.exam.status == "fixed"
    assert state(answer)[:2] == (None, "")


def test_a_definition_does_not_fix_the_exam_whose_answers_it_lets_wait() -> None:
    exam = exam_in()
    (answer,) = answers_of(exam, "一")
    definition = definitions.describe(exam) | {"state": "fixed"}
    definition["questions"][0]["prompt"] = "別の問い"
    with pytest.raises(WrongState, match="1 answer"):
        definitions.load(definition)
    assert fresh(answer).status == "scored"


def test_a_question_is_left_out_by_force_with_all_its_marks_withdrawn_ones_too() -> None:
    exam = exam_in()
    (answer,) = answers_of(exam, "一")
    marker = make_user("m1")
    queue.withdraw(giving.give(answer, marker, {"points": 3}), marker)
    definition = definitions.describe(exam)
    del definition["questions"][0]
    with pytest.raises(definitions.WouldInvalidate):
        definitions.load(definition)
    definitions.load(definition, force=True)
    assert [one.code for one in exam.questions.all()] == ["Q2"]
    assert not Mark.objects.exists()


def test_a_mark_that_the_changed_question_cannot_earn_counts_no_more() -> None:
    exam = exam_in()
    kept, lost = answers_of(exam, "一", "二")
    giving.give(kept, make_user("m1"), {"points": 3})
    giving.give(lost, make_user("m2"), {"points": 6})
    definition = definitions.describe(exam)
    definition["questions"][0]["max_points"] = 4
    definitions.load(definition, force=True)
    assert state(kept) == (3, "human", "marked")
    assert state(lost)[:2] == (None, "")


def test_it_asks_five_queries_however_many_answers(django_assert_num_queries: object) -> None:
    exam = exam_in("draft")
    answers = answers_of(exam, *(f"解答{n}" for n in range(300)))
    Exam.objects.filter(pk=exam.pk).update(status="marking")
    with django_assert_num_queries(7):  # type: ignore[operator]  # two are the savepoint's
        settlement.settle([one.pk for one in answers])
    assert Answer.objects.filter(review="queued").count() == 300

"""The pages of answers: evidence in the text, who sees whose it is, trying again."""

import logging
import re
import unicodedata
from typing import Any
from unicodedata import normalize

import pytest
from django.urls import reverse

from scoring.calibration import promotion
from scoring.marks import giving
from scoring.models import Answer, Calibration, Mark, Question, Submission
from tests.clients import signed_in
from tests.factories import (
    CANDIDATE,
    example_exam,
    make_user,
    marked_with_evidence,
    submitted_answer,
)

pytestmark = pytest.mark.django_db
MARK = re.compile(r'<mark class="([^"]+)" title="[^"]*"(?: data-code="(\w+)")?>([^<]*)')


def page_of(answer: Answer, role: str = "exam manager", language: str = "ja") -> str:
    told = signed_in(role, language).get(reverse("admin:scoring_answer_change", args=[answer.pk]))
    assert told.status_code == 200
    return told.content.decode()


def test_it_marks_evidence_at_its_code_points_and_escapes_the_text() -> None:
    answer = submitted_answer(example_exam(), "𠮷👨‍👩‍👧<b>&要件")
    marked_with_evidence(answer, ("C1", 1, 6), ("C2", 10, 12))
    page = page_of(answer)
    assert MARK.findall(page) == [
        ("pms-ev pms-c0 pms-lane0", "C1", "👨‍👩‍👧"),
        ("pms-ev pms-c1 pms-lane0", "C2", "要件"),
    ]
    assert "&lt;b&gt;&amp;<mark" in page
    assert "<b>&" not in page


def test_overlapping_evidence_is_nested_on_lines_of_their_own() -> None:
    answer = submitted_answer(example_exam(), "abcd")
    marked_with_evidence(answer, ("C1", 0, 3), ("C2", 1, 4))
    assert MARK.findall(page_of(answer)) == [
        ("pms-ev pms-c0 pms-lane0", "C1", "a"),
        ("pms-ev pms-c0 pms-lane0", "", ""),
        ("pms-ev pms-c1 pms-lane1", "C2", "bc"),
        ("pms-ev pms-c1 pms-lane1", "", "d"),
    ]


def test_it_underlines_a_doubt_within_the_evidence_with_its_reason() -> None:
    answer = submitted_answer(example_exam(), "要件を確認した")
    doubt = {"start": 3, "end": 5, "reason": "negation"}
    marked_with_evidence(answer, ("C1", 0, 7), doubts=[doubt], flags=["reversed"])
    page = page_of(answer)
    assert (
        '<mark class="pms-doubt" title="反対の意味か" data-doubt="反対の意味か">確認</mark>' in page
    )
    assert "逆の意味？" in page


def test_no_script_of_a_candidate_or_a_manager_runs() -> None:
    exam = example_exam()
    exam.questions.update(prompt="<script>p", passage="<script>q", label="<script>r")
    answer = submitted_answer(exam, "<script>alert(1)</script>", "<script>who")
    mark = marked_with_evidence(answer, ("C1", 0, 8))
    giving.give(answer, make_user("marker", staff=True), {"points": 1, "comment": "<script>c"})
    page = page_of(answer)
    assert mark.model[:12] in page
    assert [tag for tag in re.findall(r"<script[^>]*>", page) if " src=" not in tag] == []
    listed = signed_in("superuser").get(reverse("admin:scoring_answer_changelist"))
    assert "<script>a" not in listed.content.decode()


def test_no_stored_text_makes_a_page_normalise_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six such texts kept the list silent for 20 s."""
    marks = "a" + "\u0301\u0316" * 25_000
    exam = example_exam()
    exam.questions.update(prompt=marks)
    answer = submitted_answer(exam, "要件")
    Answer.objects.update(text=marks)
    normalised: list[int] = []

    def recorded(form: Any, text: str) -> str:
        normalised.append(len(text))
        return normalize(form, text[:1000])

    monkeypatch.setattr(unicodedata, "normalize", recorded)
    client = signed_in("exam manager")
    for name, keys in (
        ("answer_changelist", []),
        ("answer_change", [answer.pk]),
        ("submission_change", [answer.submission_id]),
        ("exam_change", [exam.pk]),
        ("question_changelist", []),
    ):
        assert client.get(reverse(f"admin:scoring_{name}", args=keys)).status_code == 200
    assert max(normalised) < 1000


def test_it_counts_as_the_answer_sheet_does_and_explains_flags() -> None:
    exam = example_exam()
    exam.questions.update(max_count=5, count="cells")
    answer = submitted_answer(exam, "要件ABCDE")
    marked_with_evidence(answer, flags=["too_long"])
    exam.questions.update(max_count=4)
    page = page_of(answer)
    assert "5 / 4マス" in page
    assert "pms-length-over" in page
    assert "字数超過" in page
    assert "上限を超えています" in page


def test_the_sections_of_an_essay_are_shown_and_counted_apart() -> None:
    exam = example_exam()
    limits: dict[str, Any] = {"min": 3, "max": 10}
    sections = [{"label": "設問ア", "limits": limits}, {"label": "設問イ", "limits": limits}]
    exam.questions.update(sections=sections)
    answer = submitted_answer(exam, "設問ア\n特徴である\n設問イ\n工夫")
    marked_with_evidence(answer, ("C1", 4, 6), ("C2", 14, 16))
    page = page_of(answer)
    assert re.findall(r"<h4>(\S+) <span[^>]*>([^<]+)", page) == [
        ("設問ア", "5 / 3–10字"),
        ("設問イ", "2 / 3–10字"),
    ]
    assert [text for _, _, text in MARK.findall(page)] == ["特徴", "工夫"]


def test_all_marks_are_listed_and_the_suggestion_stands_beside_the_final_points() -> None:
    answer = submitted_answer(example_exam(), "要件")
    marked_with_evidence(answer, ("C1", 0, 2))
    giving.give(answer, make_user("marker", staff=True), {"criteria": {"C1": 4}, "comment": "よい"})
    page = page_of(answer, language="en")
    assert "<b>1</b> / 6" in page
    assert "<b>4</b> / 6" in page
    assert "よい" in page
    assert Mark.objects.count() == 2


def promoted(question: Question, sha256: str) -> Calibration:
    calibration = Calibration.objects.create(
        question=question, status="ready", sha256=sha256, definition=question.digest
    )
    promotion.promote(calibration)
    return calibration


def suggestions() -> dict[str, float | None]:
    """What the list shows as the machine's points, by candidate."""
    listed = signed_in("exam manager").get(reverse("admin:scoring_answer_changelist"))
    rows = listed.context["cl"].result_list
    return {
        answer.submission.candidate: None if answer.suggested is None else float(answer.suggested)
        for answer in rows
    }


def test_the_list_shows_the_mark_in_force_after_a_calibration_was_rolled_back() -> None:
    exam = example_exam()
    both, late = (
        submitted_answer(exam, "要件と合意", "both"),
        submitted_answer(exam, "合意", "late"),
    )
    question = both.question
    marked_with_evidence(both, ("C1", 0, 2))
    promoted(question, "c" * 64)
    marked_with_evidence(both, ("C1", 0, 2), ("C2", 3, 5), calibration="c" * 64)
    marked_with_evidence(late, ("C2", 0, 2), calibration="c" * 64)
    promotion.roll_back(question)
    assert suggestions() == {"both": 1, "late": None}


def test_the_page_shows_the_mark_in_force_after_a_calibration_was_rolled_back() -> None:
    exam = example_exam()
    both, late = (
        submitted_answer(exam, "要件と合意", "both"),
        submitted_answer(exam, "合意", "late"),
    )
    question = both.question
    marked_with_evidence(both, ("C1", 0, 2))
    promoted(question, "c" * 64)
    marked_with_evidence(both, ("C1", 0, 2), ("C2", 3, 5), calibration="c" * 64)
    marked_with_evidence(late, ("C2", 0, 2), calibration="c" * 64)
    browser = signed_in("exam manager")

    def page(answer: Answer) -> str:
        address = reverse("admin:scoring_answer_change", args=[answer.pk])
        return browser.get(address).content.decode()

    assert "<b>2</b> / 6" in page(both)
    promotion.roll_back(question)
    assert "<b>1</b> / 6" in page(both)
    assert [text for _, _, text in MARK.findall(page(both))] == ["要件"]
    assert "other calibration" not in page(both)
    assert "<b>1</b> / 6" in page(late)
    assert "other calibration" in page(late)


@pytest.mark.parametrize("role", ["marker", "adjudicator", "viewer"])
def test_those_who_mark_never_see_whose_answer_it_is(role: str) -> None:
    answer = submitted_answer(example_exam(), "要件")
    browser = signed_in(role)
    listed = reverse("admin:scoring_answer_changelist")
    submission = reverse("admin:scoring_submission_change", args=[answer.submission_id])
    for address in ("/admin/", listed, reverse("admin:scoring_answer_change", args=[answer.pk])):
        page = browser.get(address).content.decode()
        assert CANDIDATE not in page
        assert submission not in page
    found = browser.get(listed, {"q": CANDIDATE}).context["cl"].result_count
    assert found == 0
    by_lookup = browser.get(listed, {"submission__candidate": CANDIDATE})
    assert by_lookup.status_code in (302, 400)


@pytest.mark.parametrize("lookup", ["", "__startswith", "__regex", "__gte", "__in"])
def test_no_list_tells_a_viewer_of_candidates_by_what_it_finds(lookup: str) -> None:
    submitted_answer(example_exam(), "要件")
    browser = signed_in("viewer")
    for column, address in (
        ("candidate", "admin:scoring_submission_changelist"),
        ("submission__candidate", "admin:scoring_answer_changelist"),
        ("submissions__candidate", "admin:scoring_batch_changelist"),
        ("submissions__candidate", "admin:scoring_exam_changelist"),
        ("answers__submission__candidate", "admin:scoring_question_changelist"),
        ("exam__submissions__candidate", "admin:scoring_upload_changelist"),
    ):
        asked = browser.get(reverse(address), {f"{column}{lookup}": CANDIDATE[:3]})
        assert asked.status_code == 400, address


def test_viewers_see_submissions_without_candidates_and_markers_none() -> None:
    answer = submitted_answer(example_exam(), "要件")
    address = reverse("admin:scoring_submission_change", args=[answer.submission_id])
    page = signed_in("viewer").get(address)
    assert page.status_code == 200
    assert CANDIDATE not in page.content.decode()
    assert signed_in("marker").get(address).status_code == 403


def test_managers_find_answers_by_candidate_and_text() -> None:
    exam = example_exam()
    submitted_answer(exam, "要件が変わった", "c-1")
    submitted_answer(exam, "合意がない", "c-2")
    browser = signed_in("exam manager")
    for words in ("c-1", "変わった"):
        found = browser.get(reverse("admin:scoring_answer_changelist"), {"q": words})
        assert [one.submission.candidate for one in found.context["cl"].result_list] == ["c-1"]


def test_answers_are_filtered_by_question_status_and_flag() -> None:
    exam = example_exam()
    marked_with_evidence(submitted_answer(exam, "", "c-1"), flags=["blank"])
    submitted_answer(exam, "合意がない", "c-2")
    browser = signed_in("exam manager")

    def found(**asked: Any) -> int:
        listed = browser.get(reverse("admin:scoring_answer_changelist"), asked)
        count: int = listed.context["cl"].result_count
        return count

    assert found(flag="blank") == found(flag="any") == found(status__exact="waiting") == 1
    assert found(flag="too_long") == 0
    assert found(question=exam.questions.get(code="Q1").pk) == 2
    assert found(question=exam.questions.get(code="Q2").pk) == 0


@pytest.mark.parametrize("role", ["client", "operator"])
def test_clients_and_operators_see_nothing_of_exams(role: str) -> None:
    exam = example_exam()
    answer = submitted_answer(exam, "要件")
    browser = signed_in(role)
    assert "プロジェクトマネージャ試験" not in browser.get("/admin/").content.decode()
    for name, key in (("exam", exam.pk), ("answer", answer.pk)):
        refused = browser.get(reverse(f"admin:scoring_{name}_change", args=[key]))
        assert refused.status_code in (302, 403, 404)
        assert browser.get(reverse(f"admin:scoring_{name}_changelist")).status_code == 403


def test_reading_an_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    answer = submitted_answer(example_exam(), "要件")
    with caplog.at_level(logging.INFO, "audit"):
        page_of(answer, "marker")
    told = [vars(record) for record in caplog.records if record.name == "audit"]
    assert [(one["answer"], one["user"] is not None) for one in told] == [(answer.pk, True)]


def test_a_failed_answer_says_why_and_is_tried_again_by_managers_only() -> None:
    answer = submitted_answer(example_exam(), "要件")
    Answer.objects.filter(pk=answer.pk).update(status="failed", reason="HTTP 422: no")
    address = reverse("admin:scoring_answer_retry", args=[answer.pk])
    assert "HTTP 422: no" in page_of(answer)
    signed_in("marker").post(address)
    assert Answer.objects.get().status == "failed"
    page = signed_in("superuser").post(address, follow=True)
    assert (Answer.objects.get().status, Answer.objects.get().reason) == ("waiting", "")
    assert "1 answer waits again" in page.content.decode()


def test_nothing_that_was_handed_in_can_be_changed_or_deleted() -> None:
    answer = submitted_answer(example_exam(), "要件")
    browser = signed_in("superuser")
    browser.post(reverse("admin:scoring_answer_change", args=[answer.pk]), {"text": "x"})
    delete = browser.post(reverse("admin:scoring_answer_delete", args=[answer.pk]), {"post": "yes"})
    assert delete.status_code == 403
    assert Answer.objects.get().text == "要件"
    assert Submission.objects.exists()

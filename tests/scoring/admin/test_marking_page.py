"""The desk on which people mark, as the browser without a script and as the script asks for it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from html import unescape
from types import MappingProxyType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from scoring.marks import settlement
from scoring.models import (
    Answer,
    AnswerGroup,
    Exam,
    Lease,
    Mark,
    Reference,
    ReferenceMark,
    Standing,
)
from scoring.review import groups, references
from tests import factories, sample_exam
from tests.clients import browser_of
from tests.factories import CANDIDATE, make_user
from tests.sample_exam import SAID, SAID_AGAIN, grouped, hand_in, load, texts

pytestmark = pytest.mark.django_db
DESK = "/admin/marking/desk/SAMPLE-PM/"
HIDDEN = r'name="(answer|group|shown)" value="([\d,]+)"'


class Marker:
    """A user of a role in a browser, at the desk of SAMPLE-PM."""

    def __init__(self, role: str, language: str = "en") -> None:
        self.user: User = make_user(role, staff=True)
        self.client = browser_of(self.user, language)

    def open(self, place: str = "", **more: Any) -> str:
        """The page of a desk."""
        return page(self.client.get(DESK + place, **more))

    def do(
        self,
        command: str,
        typed: Mapping[str, Any] = MappingProxyType({}),
        place: str = "",
        script: bool = True,
    ) -> Any:
        """The response to a command of the form, sent as the script sends it."""
        headers = {"X-Desk": "1"} if script else {}
        return self.client.post(DESK + place, {"command": command, **typed}, headers=headers)

    def give(self, first: int, second: int, place: str = "", **more: Any) -> Any:
        """Submit points for both criteria of the answer or group on the desk."""
        points = {"criterion-C1": first, "criterion-C2": second}
        hidden = dict(re.findall(HIDDEN, self.open(place)))
        return self.do("submit", {**points, **hidden, **more}, place)

    def key(self, place: str = "") -> dict[str, str]:
        """The field of the form that names the answer or group on the desk."""
        return dict([re.findall(r'name="(answer|group)" value="(\d+)"', self.open(place))[0]])


def page(response: Any) -> str:
    return unescape(response.content.decode())


@pytest.fixture
def exam() -> Exam:
    """Three answers to Q1 wait for people."""
    found = load("Q1")
    hand_in(found, "Q1", texts("Q1")[:3])
    return found


@pytest.fixture
def marker(exam: Exam) -> Marker:
    return Marker("marker")


def test_it_shows_the_question_beside_the_answer_and_no_candidate(marker: Marker) -> None:
    shown = marker.open()
    answer = Answer.objects.get(leases__marker=marker.user)
    question = answer.question
    assert question.prompt in shown
    assert question.passage[:40] in shown
    for criterion in question.criteria.all():
        assert criterion.label in shown
        assert criterion.references[0] in shown
    assert question.model_answers.all()[0].text in shown
    assert f"{len(answer.text)} / 35 characters" in shown
    assert "candidate-Q1" not in shown
    assert CANDIDATE not in shown


@pytest.mark.parametrize("role", ["marker", "exam manager"])
@pytest.mark.parametrize(
    ("shown", "evidence", "points"),
    [("nothing", False, False), ("evidence", True, False), ("mark", True, True)],
)
def test_it_shows_of_the_machine_what_the_policy_has(
    role: str, shown: str, evidence: bool, points: bool
) -> None:
    exam = load("Q1", shown=shown)
    hand_in(exam, "Q1", texts("Q1")[:1])
    html = Marker(role).open()
    assert 'name="answer"' in html
    assert ("pms-ev" in html) is evidence
    assert ("desk-machine" in html) is points


@pytest.mark.parametrize(("shown", "underlined"), [("nothing", False), ("evidence", True)])
def test_it_underlines_what_may_be_reversed(shown: str, underlined: bool) -> None:
    question = load("Q1", shown=shown).questions.get(code="Q1")
    [answer] = factories.hand_in(question, ["要件の漏れを増やすため"], 0, "candidate-{}")
    mark = sample_exam.machine_mark(question, answer)
    mark.criteria[0]["doubts"] = [{"start": 3, "end": 5, "reason": "negation"}]
    mark.flags = ["reversed"]
    mark.save()
    Answer.objects.filter(pk=answer.pk).update(status="scored", flags=mark.flags)
    settlement.settle([answer.pk])
    html = Marker("marker").open()
    assert ('data-doubt="says the contrary?">漏れ</mark>' in html) is underlined
    assert ("Reversed?" in html) is underlined


def test_it_takes_a_mark_and_opens_the_next_answer(marker: Marker) -> None:
    first = marker.key()["answer"]
    told = marker.give(3, 1, comment="よい")
    mark = Mark.objects.get(source="human")
    assert (str(mark.answer_id), float(mark.points), mark.comment) == (first, 4, "よい")
    assert [one["points"] for one in mark.criteria] == [3, 1]
    assert mark.marker == marker.user
    assert told.status_code == 200
    assert marker.key()["answer"] != first
    assert "<html" not in page(told)


def test_it_works_as_a_plain_form(marker: Marker) -> None:
    key = marker.key()
    told = marker.do("submit", {"criterion-C1": 4, "criterion-C2": 2, **key}, script=False)
    assert (told.status_code, told["Location"]) == (302, DESK)
    assert Mark.objects.get(source="human").points == 6


@pytest.mark.parametrize(
    ("first", "told"),
    [("", "has no points yet"), ("5", "from 0 to 4 in steps of 1"), ("x", "from 0 to 4")],
)
def test_it_keeps_what_was_typed_where_points_do_not_fit(
    marker: Marker, first: str, told: str
) -> None:
    answer = marker.key()
    typed = {"criterion-C1": first, "criterion-C2": "2", "comment": "だいたい"}
    response = marker.do("submit", {**typed, **answer})
    assert response.status_code == 422
    shown = page(response)
    assert told in shown
    assert "だいたい" in shown
    assert re.search(r'name="criterion-C2" value="2" checked', shown)
    assert not Mark.objects.filter(source="human").exists()
    assert Lease.objects.live().filter(answer=int(answer["answer"]), marker=marker.user).exists()


def test_what_was_typed_outlives_a_lost_lease(marker: Marker) -> None:
    answer = marker.key()
    Lease.objects.update(expires_at=now() - timedelta(seconds=1))
    other = Marker("adjudicator")
    assert other.key() == answer
    response = marker.do(
        "submit", {"criterion-C1": 3, "criterion-C2": 1, "comment": "要点", **answer}
    )
    shown = page(response)
    assert response.status_code == 409
    assert "no longer yours" in shown
    assert "要点" in shown
    assert re.search(r'name="criterion-C1" value="3" checked', shown)
    assert not Mark.objects.filter(source="human").exists()


def test_a_mark_in_time_over_counts_while_nobody_else_has_the_answer(marker: Marker) -> None:
    answer = marker.key()
    Lease.objects.update(expires_at=now() - timedelta(seconds=1))
    told = marker.do("submit", {"criterion-C1": 3, "criterion-C2": 1, **answer})
    assert told.status_code == 200
    assert Mark.objects.get(source="human").answer_id == int(answer["answer"])


def test_it_counts_too_where_another_answer_is_more_urgent_by_then(marker: Marker) -> None:
    answer = marker.key()
    Lease.objects.update(expires_at=now() - timedelta(seconds=1))
    Answer.objects.exclude(pk=answer["answer"]).update(urgency=2)
    told = marker.do("submit", {"criterion-C1": 3, "criterion-C2": 1, **answer})
    assert told.status_code == 200
    assert Mark.objects.get(source="human").answer_id == int(answer["answer"])


def test_it_does_not_count_where_others_read_the_answer_in_a_group(exam: Exam) -> None:
    hand_in(exam, "Q1", [SAID, SAID], 10)
    marker = Marker("marker")
    answer = marker.key()
    Lease.objects.update(expires_at=now() - timedelta(seconds=1))
    group = grouped(list(Answer.objects.filter(pk=answer["answer"])))
    assert groups.take(group, Marker("adjudicator").user)
    told = marker.do("submit", {"criterion-C1": 3, "criterion-C2": 1, **answer})
    assert told.status_code == 409
    assert not Mark.objects.filter(source="human").exists()


@pytest.mark.parametrize("bound", [None, 0.5])
def test_a_reference_in_time_over_counts_as_any_other(exam: Exam, bound: float | None) -> None:
    policy = Exam.objects.get().policy.__class__.objects
    policy.update(marker_bound=bound, reference_rate=1)
    referenced(exam, Marker("exam manager"))
    marker = Marker("marker")
    answer = marker.key()
    policy.update(reference_rate=0)
    Lease.objects.all().delete()
    typed = {"criterion-C1": 3, "criterion-C2": 1, **answer}
    assert marker.do("submit", typed).status_code == 200
    given = ReferenceMark.objects.get()
    assert given.reference.answer_id == int(answer["answer"])
    assert marker.do("submit", typed).status_code == 200
    assert ReferenceMark.objects.count() == 1


def test_a_submit_that_is_sent_twice_is_taken_once(marker: Marker) -> None:
    answer = marker.key()
    typed = {"criterion-C1": 3, "criterion-C2": 1, **answer}
    assert marker.do("submit", typed).status_code == 200
    again = marker.do("submit", typed)
    assert again.status_code == 200
    assert f'name="answer" value="{answer["answer"]}"' not in page(again)
    assert Mark.objects.filter(source="human").count() == 1


def test_it_renews_the_lease_and_tells_when_it_is_lost(marker: Marker) -> None:
    answer = marker.key()
    Lease.objects.update(expires_at=now() + timedelta(seconds=5))
    assert marker.do("renew", answer).json()["seconds"] > 800
    Lease.objects.all().delete()
    assert marker.do("renew", answer).status_code == 409


def test_a_skipped_answer_comes_again_after_all_others(marker: Marker) -> None:
    skipped = marker.key()
    marker.do("skip", skipped)
    seen = []
    for _ in range(2):
        seen.append(marker.key())
        marker.give(0, 0)
    assert skipped not in seen
    assert marker.key() == skipped


def test_undo_withdraws_the_mark_and_brings_the_answer_back(marker: Marker) -> None:
    answer = marker.key()
    marker.give(3, 1, comment="よい")
    shown = page(marker.do("undo"))
    assert f'name="answer" value="{answer["answer"]}"' in shown
    assert re.search(r'name="criterion-C1" value="3" checked', shown)
    assert "よい" in shown
    withdrawal = Mark.objects.get(source="withdrawal")
    assert withdrawal.withdraws == Mark.objects.get(source="human")
    assert Answer.objects.get(pk=answer["answer"]).final_points is None


def test_it_says_when_nothing_is_left(marker: Marker) -> None:
    for _ in range(3):
        marker.give(1, 1)
    assert "All done" in marker.open()


def test_a_group_is_marked_as_one_without_those_that_were_removed(exam: Exam) -> None:
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID, SAID_AGAIN], 10)
    group = grouped(same)
    marker = Marker("marker")
    shown = marker.open("groups/")
    assert "4 answers that say the same" in shown
    assert "distance up to 0.021" in shown
    assert "<del>に</del><ins>へ</ins>" in shown
    kept = [one.pk for one in same[:3]]
    told = marker.give(4, 0, "groups/", removed=same[3].pk)
    assert "3 answers marked" in page(told)
    marks = Mark.objects.filter(source="human")
    assert sorted(marks.values_list("answer", flat=True)) == kept
    assert {mark.from_group for mark in marks} == {group.pk}
    removed = Answer.objects.get(pk=same[3].pk)
    assert (removed.answer_group, removed.final_points) == (None, None)


def test_what_was_ticked_outlives_a_refusal(exam: Exam) -> None:
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID], 10)
    grouped(same)
    told = Marker("marker").give(9, 0, "groups/", removed=same[1].pk)
    assert told.status_code == 422
    ticked = re.findall(r'name="removed" value="(\d+)" form="points" checked', page(told))
    assert ticked == [str(same[1].pk)]


def test_an_answer_that_was_not_shown_is_not_marked_with_the_group(exam: Exam) -> None:
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID], 10)
    grouped(same)
    unseen = ",".join(str(one.pk) for one in same[:2])
    Marker("marker").give(4, 0, "groups/", shown=unseen)
    marked = Mark.objects.filter(source="human").values_list("answer", flat=True)
    assert sorted(marked) == [one.pk for one in same[:2]]
    assert Answer.objects.get(pk=same[2].pk).answer_group is None


def test_an_answer_in_another_marker_s_hands_leaves_the_group_that_is_marked(exam: Exam) -> None:
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID], 10)
    grouped(same)
    later = now() + timedelta(minutes=5)
    Lease.objects.create(answer=same[1], marker=Marker("adjudicator").user, expires_at=later)
    Answer.objects.filter(pk=same[1].pk).update(review=Answer.Review.CLAIMED)
    Marker("marker").give(4, 0, "groups/")
    marked = Mark.objects.filter(source="human").values_list("answer", flat=True)
    assert sorted(marked) == [same[0].pk, same[2].pk]
    assert Answer.objects.get(pk=same[1].pk).answer_group is None


def test_a_group_of_more_than_a_thousand_is_marked(exam: Exam) -> None:
    same = hand_in(exam, "Q1", [SAID] * 1005, 10)
    grouped(same)
    told = Marker("marker").give(4, 0, "groups/", removed=same[7].pk)
    assert "1004 answers marked" in page(told)
    assert Mark.objects.filter(source="human").count() == 1004


def test_a_group_on_one_desk_is_on_no_other(exam: Exam) -> None:
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID], 10)
    group = grouped(same)
    one, other = Marker("marker"), Marker("adjudicator")
    assert one.key("groups/") == {"group": str(group.pk)}
    assert one.key("groups/") == {"group": str(group.pk)}
    key = other.key("groups/")
    assert key.keys() == {"answer"}
    assert int(key["answer"]) not in [answer.pk for answer in same]

    AnswerGroup.objects.update(held_until=now())
    assert other.key("groups/") == {"group": str(group.pk)}
    typed = {"group": group.pk, "criterion-C1": 4, "criterion-C2": 0, "shown": same[0].pk}
    assert "or have them in hand" in page(one.do("submit", typed, "groups/"))
    assert not Mark.objects.filter(source="human").exists()
    assert AnswerGroup.objects.get().answers.count() == 3


def test_a_skipped_group_is_there_for_others(exam: Exam) -> None:
    first, second, third = (
        grouped(hand_in(exam, "Q1", [SAID] * size, 10 * size)) for size in (4, 3, 2)
    )
    one, other = Marker("marker"), Marker("adjudicator")
    assert one.key("groups/") == {"group": str(first.pk)}
    assert other.key("groups/") == {"group": str(second.pk)}
    one.do("skip", {"group": first.pk}, "groups/")
    assert one.key("groups/") == {"group": str(third.pk)}
    other.do("skip", {"group": second.pk}, "groups/")
    assert other.key("groups/") == {"group": str(first.pk)}


def test_undo_takes_a_group_back_as_one(exam: Exam) -> None:
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID], 10)
    grouped(same)
    marker = Marker("marker")
    marker.give(4, 1, "groups/")
    shown = page(marker.do("undo", place="groups/"))
    assert "3 answers that say the same" in shown
    assert re.search(r'name="criterion-C1" value="4" checked', shown)
    assert Mark.objects.filter(source="withdrawal").count() == 3


def test_what_groups_leave_over_is_marked_one_by_one(exam: Exam) -> None:
    marker = Marker("marker")
    assert not AnswerGroup.objects.exists()
    shown = page(marker.do("skip", place="groups/"))
    assert f'action="{DESK}"' in shown
    assert 'name="answer"' in shown


def disputed(exam: Exam) -> tuple[Marker, Marker]:
    """Two markers who differ in the first answer."""
    pair = Marker("marker"), Marker("exam manager")
    for one, points in zip(pair, (4, 1), strict=True):
        one.give(points, 1, comment=f"reason of {points}")
    return pair


def test_an_adjudicator_sees_both_marks_without_names_and_settles() -> None:
    exam = load("Q1", readings=2)
    hand_in(exam, "Q1", texts("Q1")[:1])
    disputed(exam)
    adjudicator = Marker("adjudicator")
    shown = adjudicator.open("disputes/")
    assert "marker A" in shown
    assert "reason of 4" in shown
    assert "exam-manager" not in shown
    assert "marker A <kbd>A</kbd>" in shown
    assert re.search(r'<tr class="desk-differs">\s*<th scope="row"><span[^>]*>C1', shown)
    assert not re.search(r'<tr class="desk-differs">\s*<th scope="row"><span[^>]*>C2', shown)
    adjudicator.give(3, 1, "disputes/")
    answer = Answer.objects.get(question__exam=exam)
    assert answer.final_points == 4
    assert answer.final_source == "adjudicator"
    assert "There are no open disputes" in adjudicator.open("disputes/")
    back = page(adjudicator.do("undo", place="disputes/"))
    assert "marker B" in back
    assert re.search(r'name="criterion-C1" value="3" checked', back)


def test_markers_do_not_reach_disputes(marker: Marker) -> None:
    assert marker.client.get(f"{DESK}disputes/").status_code == 403


@pytest.mark.parametrize("role", ["viewer", "operator", "client"])
def test_those_who_do_not_mark_are_refused(exam: Exam, role: str) -> None:
    someone_else = Marker(role)
    assert someone_else.client.get(DESK).status_code == 403
    assert someone_else.client.get("/admin/marking/").status_code == 403
    assert not Lease.objects.exists()


def test_nobody_marks_a_fixed_exam(exam: Exam, marker: Marker) -> None:
    exam.become(Exam.Status.FIXED)
    assert "You cannot mark this exam now" in marker.open()


def referenced(exam: Exam, manager: Marker) -> list[Reference]:
    """Every answer a reference answer."""
    told = {"criteria": {"C1": 3, "C2": 1}}
    rows = Answer.objects.filter(question__exam=exam).select_related("question__exam")
    return [references.declare(one, manager.user, told, "現場という語がある") for one in rows]


def test_a_qualifying_answer_shows_its_known_mark_and_why(exam: Exam) -> None:
    Exam.objects.get().policy.__class__.objects.update(marker_bound=0.5)
    referenced(exam, Marker("exam manager"))
    marker = Marker("marker")
    assert "Qualify" in page(marker.client.get("/admin/marking/"))
    assert "reference answer" in marker.open()
    told = page(marker.give(3, 1))
    assert "Your mark agrees with the known one" in told
    assert "現場という語がある" in told
    assert "2 more reference answers" in told
    assert "differs from the known one" in page(marker.give(0, 0))


def test_a_hidden_reference_looks_like_any_other(exam: Exam) -> None:
    Exam.objects.get().policy.__class__.objects.update(reference_rate=1.0)
    referenced(exam, Marker("exam manager"))
    marker = Marker("marker")
    shown = marker.open()
    assert "reference answer" not in shown
    told = page(marker.give(0, 0))
    assert "known" not in told
    assert "現場という語がある" not in told
    back = page(marker.do("undo"))
    assert re.search(r'name="criterion-C1" value="0" checked', back)


def test_a_suspended_marker_is_told_why(exam: Exam, marker: Marker) -> None:
    Exam.objects.get().policy.__class__.objects.update(marker_bound=0.9)
    Standing.objects.create(exam=exam, marker=marker.user, status="suspended", agreement=0.4)
    assert "Your marking is suspended" in marker.open()
    entry = page(marker.client.get("/admin/marking/"))
    assert "Your marking is suspended" in entry
    assert DESK not in entry


def test_the_entry_page_tells_how_far_exams_and_questions_are(exam: Exam, marker: Marker) -> None:
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID], 10)
    grouped(same)
    marker.give(4, 1, "groups/")
    shown = page(marker.client.get("/admin/marking/"))
    assert re.search(r"3\s*<small>/ 6", shown)
    assert "67%" in shown
    assert f'href="{DESK}?question=Q1"' in shown


def test_what_was_read_is_logged(marker: Marker, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="audit"):
        answer = marker.key()["answer"]
    told = next(one for one in caplog.records if one.name == "audit")
    assert (getattr(told, "user"), getattr(told, "answers")) == (  # noqa: B009
        marker.user.pk,
        [int(answer)],
    )


def test_the_desk_runs_no_inline_script_and_no_inline_style(marker: Marker) -> None:
    response = marker.client.get(DESK)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    shown = page(response)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", shown)
    assert [tag for tag in re.findall(r"<script[^>]*>", shown) if "src=" not in tag] == []


def test_many_steps_are_typed_as_a_number(exam: Exam) -> None:
    question = exam.questions.get()
    question.criteria.all().delete()
    question.max_points = 50
    question.save()
    marker = Marker("marker")
    assert re.search(r'<input type="number" name="points"[^>]*max="50"', marker.open())
    marker.do("submit", {"points": "37", **marker.key()})
    assert Mark.objects.get(source="human").points == 37


def test_a_manager_has_groups_found_from_the_entry_page(exam: Exam) -> None:
    manager, marker = Marker("exam manager"), Marker("marker")
    question = exam.questions.get()
    assert "Find groups" in page(manager.client.get("/admin/marking/"))
    assert "Find groups" not in page(marker.client.get("/admin/marking/"))
    told = {"regroup": question.pk}
    assert marker.client.post("/admin/marking/", told).status_code == 403
    assert groups.progress(question) is None
    assert manager.client.post("/admin/marking/", told).status_code == 302
    assert groups.progress(question) == 0
    assert "searching, 0%" in page(manager.client.get("/admin/marking/"))
    groups.set_progress(question, None)

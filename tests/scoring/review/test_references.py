"""Reference answers qualify markers and watch them, and count for nobody's result."""

import pytest
from django.contrib.auth.models import User

from pmscoring.base.lifecycle import WrongState
from scoring.marks import giving
from scoring.models import Answer, Exam, Lease, Mark, Reference, ReferenceMark, Standing
from scoring.review import queue, references
from scoring.review.progress import marking_progress
from scoring.review.references import NotQualified, Suspended
from scoring.review.workload import workload
from tests.factories import answers_of, exam_in, fresh, make_user, state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def marker() -> User:
    return make_user("m1")


@pytest.fixture
def chief() -> User:
    return make_user("chief", "exam manager")


def make_reference(exam: Exam, chief: User, points: float = 3, **purposes: bool) -> Reference:
    (answer,) = answers_of(exam, f"目揃え{Answer.objects.count()}")
    return references.declare(answer, chief, {"points": points}, "満点ではない", **purposes)


def mark_next(exam: Exam, marker: User, points: float) -> queue.HumanMark:
    """Lease the next answer and mark it."""
    lease = queue.next_answer(exam, marker)
    assert lease is not None
    return queue.submit(fresh(lease.answer), marker, {"points": points})


def status(exam: Exam, marker: User) -> str:
    return Standing.objects.get(exam=exam, marker=marker).status


def qualified_with_hidden(exam: Exam, chief: User, marker: User, hidden: int) -> Exam:
    """The exam, with a qualified marker, `hidden` hidden reference answers and three others."""
    make_reference(exam, chief, watches=False)
    for _ in range(hidden):
        make_reference(exam, chief, qualifies=False)
    answers_of(exam, *(f"解答{n}" for n in range(3)))
    mark_next(exam, marker, 3)
    return set_reference_rate(exam)


def set_reference_rate(exam: Exam, rate: float = 1.0) -> Exam:
    """Set how often hidden reference answers are handed out: 1 always, 0 never."""
    exam.policy.reference_rate = rate
    exam.policy.save()
    exam.refresh_from_db()
    return exam


def test_declaring_with_points_settles_the_answer_and_takes_it_out_of_the_queue(
    chief: User, marker: User
) -> None:
    exam = exam_in(reference_rate=0)
    reference = make_reference(exam, chief)
    assert state(reference.answer) == (3, "adjudicator", "adjudicated")
    assert queue.next_answer(exam, marker) is None


def test_declaring_without_points_takes_the_mark_that_people_settled(
    chief: User, marker: User
) -> None:
    exam = exam_in()
    marked, bare = answers_of(exam, "一", "二")
    giving.give(marked, marker, {"criteria": {"C1": 4, "C2": 0}})
    reference = references.declare(marked, chief)
    assert reference.points == reference.criteria[0]["points"] == 4
    with pytest.raises(WrongState, match="not settled"):
        references.declare(bare, chief)


def test_a_marker_qualifies_first_and_then_marks(chief: User, marker: User) -> None:
    exam = exam_in(marker_bound=0.6, reference_rate=0)
    for points in (1, 2, 3):
        make_reference(exam, chief, points)
    (answer,) = answers_of(exam, "一")
    with pytest.raises(queue.LeaseLost):
        queue.mark(answer, marker, {"points": 3})
    for number, points in enumerate((1, 2, 6)):
        assert references.left_to_qualify(exam, marker) == 3 - number
        lease = queue.next_answer(exam, marker)
        assert lease is not None
        assert lease.is_reference
        assert references.is_qualifying(lease)
        given = queue.submit(fresh(lease.answer), marker, {"points": points})
        assert isinstance(given, ReferenceMark)
        assert given.agrees is (points < 6)
    assert status(exam, marker) == "qualified"
    assert Standing.objects.get().agreement == pytest.approx(2 / 3)
    assert isinstance(mark_next(exam, marker, 3), Mark)
    assert state(answer) == (3, "human", "marked")
    assert not Mark.objects.filter(answer__reference__isnull=False, marker=marker).exists()


def test_who_does_not_qualify_is_suspended_until_a_new_round(chief: User, marker: User) -> None:
    exam = exam_in(marker_bound=0.9, reference_rate=0)
    make_reference(exam, chief)
    answers_of(exam, "一")
    mark_next(exam, marker, 0)
    assert status(exam, marker) == "suspended"
    with pytest.raises(Suspended):
        queue.next_answer(exam, marker)
    begun = references.begin_round(exam, marker)
    assert (begun.status, begun.round, begun.agreement) == ("qualifying", 2, None)
    mark_next(exam, marker, 3)
    assert status(exam, marker) == "qualified"


def test_without_reference_answers_nobody_can_qualify(marker: User) -> None:
    exam = exam_in(marker_bound=0.9)
    answers_of(exam, "一")
    with pytest.raises(NotQualified, match="no reference answers"):
        queue.next_answer(exam, marker)


def test_managers_and_adjudicators_need_not_qualify(chief: User) -> None:
    exam = exam_in(marker_bound=0.9, reference_rate=0)
    (answer,) = answers_of(exam, "一")
    assert references.standing(exam, chief) is None
    assert references.standing(exam, make_user("a", "adjudicator", "marker")) is None
    assert mark_next(exam, chief, 2).answer_id == answer.pk  # type: ignore[union-attr]


def test_a_hidden_reference_watches_a_marker_and_suspends_who_drifts(
    chief: User, marker: User
) -> None:
    exam = exam_in(marker_bound=0.7, reference_rate=0)
    make_reference(exam, chief, watches=False)
    for _ in range(2):
        make_reference(exam, chief, qualifies=False)
    answers_of(exam, *(f"解答{n}" for n in range(5)))
    mark_next(exam, marker, 3)
    exam.policy.reference_rate = 1.0
    exam.policy.save()
    exam = Exam.objects.get()
    lease = queue.next_answer(exam, marker)
    assert lease is not None
    assert lease.is_reference
    assert not references.is_qualifying(lease)
    given = queue.submit(fresh(lease.answer), marker, {"points": 0})
    assert isinstance(given, ReferenceMark)
    assert given.purpose == "watch"
    assert status(exam, marker) == "suspended"


def test_each_hidden_reference_is_met_once_and_never_by_its_own_marker(
    chief: User, marker: User
) -> None:
    exam = exam_in(reference_rate=1)
    own, met = answers_of(exam, "一", "二")
    giving.give(own, marker, {"points": 3})
    giving.give(met, make_user("m2"), {"points": 3})
    for answer in (own, met):
        references.declare(answer, chief)
    answers_of(exam, "三")
    assert isinstance(mark_next(exam, marker, 3), ReferenceMark)
    assert isinstance(mark_next(exam, marker, 3), Mark)
    assert ReferenceMark.objects.get().reference.answer_id == met.pk


def test_one_reference_may_be_in_many_hands(chief: User) -> None:
    exam = exam_in(reference_rate=1)
    make_reference(exam, chief)
    leases = [queue.next_answer(exam, make_user(f"m{n}")) for n in range(3)]
    assert {one.answer_id for one in leases if one} == {Answer.objects.get().pk}
    assert Lease.objects.count() == 3


def test_the_key_of_a_mark_does_not_tell_a_hidden_reference(chief: User, marker: User) -> None:
    exam = exam_in(reference_rate=1)
    make_reference(exam, chief)
    answers_of(exam, "一", "二")
    keys = [mark_next(exam, marker, 3).pk for _ in range(3)]
    assert keys == sorted(set(keys))
    assert keys[-1] - keys[0] < 10


def test_a_hidden_reference_is_undone_like_any_other(chief: User, marker: User) -> None:
    exam = exam_in(reference_rate=1)
    reference = make_reference(exam, chief)
    mark_next(exam, marker, 0)
    undone = queue.undo(exam, marker)
    assert undone is not None
    assert undone.answers == [reference.answer_id]
    assert marking_progress(exam, marker).mine == 0
    assert isinstance(mark_next(exam, marker, 3), ReferenceMark)
    assert marking_progress(exam, marker).mine == 1
    assert undone.mark.pk < ReferenceMark.objects.get(purpose="watch").pk


def test_of_a_hidden_reference_the_first_judgement_tells(chief: User, marker: User) -> None:
    exam = qualified_with_hidden(exam_in(marker_bound=0.5), chief, marker, 2)
    first = mark_next(exam, marker, 0)
    queue.withdraw(first, marker)
    with pytest.raises(WrongState, match="already"):
        queue.withdraw(ReferenceMark.objects.get(pk=first.pk), marker)
    mark_next(exam, marker, 3)
    assert Standing.objects.get().agreement == 0.5
    [found] = workload(exam)
    assert (found.with_references, found.references) == (0.5, 2)
    mark_next(exam, marker, 0)
    assert status(exam, marker) == "suspended"


def test_what_lay_on_the_desk_goes_back_when_a_hidden_reference_is_undone(
    chief: User, marker: User
) -> None:
    exam = qualified_with_hidden(exam_in(marker_bound=0.5), chief, marker, 1)
    given = mark_next(exam, marker, 3)
    other = queue.next_answer(exam, marker)
    assert other is not None
    assert not other.is_reference
    again = queue.withdraw(given, marker)
    assert list(Lease.objects.all()) == [again]
    assert state(other.answer)[2] == "queued"


def test_who_is_suspended_takes_nothing_back(chief: User, marker: User) -> None:
    exam = qualified_with_hidden(exam_in(marker_bound=0.7, reference_rate=0), chief, marker, 1)
    set_reference_rate(exam, rate=0)
    ordinary = mark_next(exam, marker, 3)
    set_reference_rate(exam)
    hidden = mark_next(exam, marker, 0)
    assert status(exam, marker) == "suspended"
    for given in (hidden, ordinary):
        with pytest.raises(Suspended):
            queue.withdraw(given, marker)
    with pytest.raises(Suspended):
        queue.undo(exam, marker)
    assert status(exam, marker) == "suspended"
    assert not Lease.objects.exists()
    assert queue.withdraw(ordinary, chief, anyone=True) is None


def test_who_is_suspended_submits_nothing_that_they_still_have_in_hand(
    chief: User, marker: User
) -> None:
    exam = qualified_with_hidden(exam_in(marker_bound=0.7), chief, marker, 1)
    set_reference_rate(exam, rate=0)
    ordinary = queue.next_answer(exam, marker)
    assert ordinary is not None
    hidden = Lease.objects.create(
        answer=Reference.objects.get(watches=True).answer,
        marker=marker,
        is_reference=True,
        expires_at=ordinary.expires_at,
    )
    Standing.objects.update(status="suspended", agreement=0.5)
    for lease in (ordinary, hidden):
        with pytest.raises(Suspended):
            queue.submit(fresh(lease.answer), marker, {"points": 3})
    with pytest.raises(Suspended):
        queue.next_answer(exam, marker)
    assert state(ordinary.answer)[2] == "claimed"


def test_a_new_round_takes_from_the_marker_what_they_have_in_hand(
    chief: User, marker: User
) -> None:
    exam = qualified_with_hidden(exam_in(marker_bound=0.7), chief, marker, 0)
    lease = queue.next_answer(exam, marker)
    assert lease is not None
    assert not lease.is_reference
    references.begin_round(exam, marker)
    assert not Lease.objects.exists()
    assert state(lease.answer)[2] == "queued"
    again = queue.next_answer(exam, marker)
    assert again is not None
    assert references.is_qualifying(again)


def test_who_must_now_qualify_first_gives_back_what_they_have_in_hand(
    chief: User, marker: User
) -> None:
    exam = exam_in(reference_rate=0)
    reference = make_reference(exam, chief)
    (answer,) = answers_of(exam, "一")
    queue.next_answer(exam, marker)
    exam.policy.marker_bound = 0.5
    exam.policy.save()
    exam = Exam.objects.get()
    with pytest.raises(NotQualified):
        queue.submit(fresh(answer), marker, {"points": 3})
    lease = queue.next_answer(exam, marker)
    assert lease is not None
    assert lease.answer_id == reference.answer_id
    assert state(answer)[2] == "queued"


def test_what_was_marked_to_qualify_is_hidden_after_all_that_was_not(
    chief: User, marker: User
) -> None:
    exam = exam_in(marker_bound=0.5, reference_rate=1)
    known = make_reference(exam, chief)
    unknown = [make_reference(exam, chief, qualifies=False) for _ in range(4)]
    answers_of(exam, "一")
    mark_next(exam, marker, 3)
    met = [mark_next(exam, marker, 3) for _ in range(5)]
    assert all(isinstance(one, ReferenceMark) for one in met)
    order = [one.reference for one in met if isinstance(one, ReferenceMark)]
    assert {one.pk for one in order[:4]} == {one.pk for one in unknown}
    assert order[4] == known
    assert isinstance(mark_next(exam, marker, 3), Mark)


def test_the_agreement_that_a_marker_is_shown_does_not_move_with_a_hidden_reference(
    chief: User, marker: User
) -> None:
    exam = qualified_with_hidden(exam_in(marker_bound=0.5), chief, marker, 2)
    mark_next(exam, marker, 0)
    found = Standing.objects.get()
    assert found.agreement == 0.5
    assert references.shown_agreement(found) == 1
    mark_next(exam, marker, 0)
    found = Standing.objects.get()
    assert (found.status, references.shown_agreement(found)) == ("suspended", found.agreement)
    assert references.shown_agreement(references.begin_round(exam, marker)) is None


def test_a_hidden_reference_counts_among_the_markers_own(chief: User, marker: User) -> None:
    exam = qualified_with_hidden(exam_in(marker_bound=0.5), chief, marker, 1)
    assert marking_progress(exam, marker).mine == 0
    for number in (1, 2):
        mark_next(exam, marker, 3)
        found = marking_progress(exam, marker)
        assert (found.mine, found.mine_today) == (number, number)
    assert ReferenceMark.objects.filter(purpose="watch").count() == 1


def test_a_mark_given_to_qualify_stands_for_its_known_mark_was_shown(
    chief: User, marker: User
) -> None:
    exam = exam_in(marker_bound=0.5)
    make_reference(exam, chief)
    mark_next(exam, marker, 0)
    with pytest.raises(WrongState, match="cannot be withdrawn"):
        queue.undo(exam, marker)


def test_a_retired_reference_is_asked_no_more(chief: User, marker: User) -> None:
    exam = exam_in(reference_rate=1)
    references.retire(make_reference(exam, chief))
    assert queue.next_answer(exam, marker) is None


def test_workload_tells_agreement_with_references(chief: User, marker: User) -> None:
    exam = exam_in(reference_rate=1)
    for _ in range(2):
        make_reference(exam, chief)
    mark_next(exam, marker, 3)
    mark_next(exam, marker, 0)
    (found,) = workload(exam)
    assert (found.marks, found.with_references, found.references) == (0, 0.5, 2)

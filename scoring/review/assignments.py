"""Which marker marks which questions of an exam.

An exam without assignments is open to every marker. With the first assignment, markers who are not
assigned have no part in it any more. Exam managers and adjudicators are not bound.
"""

from collections.abc import Collection, Mapping

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from pmscoring.base.audit import record
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.lifecycle import ChangedMeanwhile
from pmscoring.base.roles import MARKER
from scoring.marks import settlement
from scoring.models import AnswerGroup, Assignment, Exam, Lease, Question, locks
from scoring.models.people import is_bound, may_mark, questions_to_mark
from scoring.review.references import NotQualified

Wanted = Mapping[str, Collection[str] | None]
"""Codes of questions by the marker's user name; None for the whole exam."""


class NotAssigned(NotQualified):
    """The marker has no part in the question, or in the exam."""


class Overtaken(ChangedMeanwhile):
    """Somebody else has changed the assignments since they were shown.

    `changed` are the markers concerned, `merged` is what was wanted upon what is there now.
    """

    def __init__(self, shown: Wanted, wanted: Wanted, now: Wanted) -> None:
        super().__init__(_("the assignments were changed meanwhile"))
        self.changed = sorted(n for n in {*shown, *now} if not _same(shown, now, n))
        self.merged = {
            name: (now if _same(shown, wanted, name) else wanted).get(name, [])
            for name in {*now, *wanted}
        }


def _same(one: Wanted, other: Wanted, name: str) -> bool:
    """Whether the marker has the same part in both."""
    mine, theirs = one.get(name, []), other.get(name, [])
    if mine is None or theirs is None:
        return mine is theirs
    return set(mine) == set(theirs)


def assigned(exam: Exam, marker: User) -> list[int]:
    """The keys of the exam's questions that the marker may mark; raises NotAssigned for none."""
    keys = questions_to_mark(marker).filter(exam=exam).order_by("pk").values_list("pk", flat=True)
    if not keys and is_bound(marker) and exam.questions.exists():
        raise NotAssigned(_("no question of %s is assigned to you") % exam.code)
    return list(keys)


def require_assigned(question: Question, marker: User) -> None:
    """Raise NotAssigned where the marker may not mark the question."""
    if not may_mark(question, marker):
        raise NotAssigned(_("%s is not assigned to you") % question)


def markers(exam: Exam) -> "QuerySet[User]":
    """Active markers, and whoever is assigned to the exam, also where they may not sign in now."""
    assigned_already = Q(pk__in=Assignment.objects.filter(exam=exam).values("marker"))
    users = User.objects.filter(Q(is_active=True, groups__name=MARKER) | assigned_already)
    return users.distinct().order_by("username")


def describe(exam: Exam) -> dict[str, list[str] | None]:
    """The assignments of an exam, as `replace` takes them."""
    rows = Assignment.objects.filter(exam=exam)
    rows = rows.order_by("marker__username", "question__position", "question")
    described: dict[str, list[str] | None] = {}
    columns = ("marker__username", "question", "question__code")
    for name, question, code in rows.values_list(*columns):
        if question is None:
            described[name] = None
        elif (codes := described.setdefault(name, [])) is not None:
            codes.append(code)
    return described


@transaction.atomic
def replace(exam: Exam, manager: User, wanted: Wanted, shown: Wanted | None = None) -> None:
    """Let these be the exam's assignments; what others have in hand of it is queued again.

    `shown` are the assignments upon which the manager decided. Raises Invalid with pointers such as
    /sato/0, for the first code of the marker sato, and Overtaken.
    """
    # Two managers at once: the second waits for the exam. Nobody is leased an answer meanwhile, as
    # whoever leases shares the exam: each lease is either seen here, or given by the new rule.
    locks.lock_exam(exam.pk)
    if shown is not None:
        now = describe(exam)
        if not all(_same(shown, now, name) for name in {*shown, *now}):
            raise Overtaken(shown, wanted, now)
    rows = _rows(exam, wanted)
    present = Assignment.objects.filter(exam=exam)
    before = set(present.values_list("marker", "question"))
    after = {(row.marker_id, row.question_id) for row in rows}
    gone = present
    for marker, question in before & after:
        gone = gone.exclude(marker=marker, question=question)
    gone.delete()
    Assignment.objects.bulk_create(
        row for row in rows if (row.marker_id, row.question_id) not in before
    )
    if before != after:
        record("assigned", manager, exam=exam.pk, assignments=sorted(after, key=str))
        _take_back(exam)


def _rows(exam: Exam, wanted: Wanted) -> list[Assignment]:
    questions = {question.code: question for question in exam.questions.all()}
    users = {user.username: user for user in markers(exam).filter(username__in=wanted)}
    faults: list[Fault] = []
    rows = []
    for name, codes in wanted.items():
        if name not in users:
            faults.append(fault(f"/{name}", _("%s is no active marker") % name))
        for index, code in enumerate(codes or ()):
            if code not in questions:
                faults.append(fault(f"/{name}/{index}", _("there is no question %s") % code))
        if not faults:
            parts = [None] if codes is None else [questions[code] for code in dict.fromkeys(codes)]
            rows += [Assignment(exam=exam, marker=users[name], question=part) for part in parts]
    if faults:
        raise Invalid(faults)
    return rows


def _take_back(exam: Exam) -> None:
    """Queue again what markers have in hand of questions that they may mark no more."""
    leases = Lease.objects.filter(answer__question__exam=exam).select_related(
        "marker", "answer__question"
    )
    lost = [lease for lease in locks.lock_leases(leases) if not _may_keep(lease)]
    Lease.objects.filter(pk__in=[lease.pk for lease in lost]).delete()
    settlement.settle(lease.answer_id for lease in lost if not lease.is_reference)
    groups = AnswerGroup.objects.filter(question__exam=exam).exclude(held_by=None)
    for group in groups.select_related("held_by", "question"):
        holder = group.held_by
        if holder and not may_mark(group.question, holder):
            AnswerGroup.objects.filter(pk=group.pk).update(held_by=None, held_until=None)


def _may_keep(lease: Lease) -> bool:
    return may_mark(lease.answer.question, lease.marker)

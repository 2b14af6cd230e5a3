"""Load an exam definition, as a whole or not at all."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pmscoring.base import history
from pmscoring.base.faults import Fault, Invalid, fault
from scoring.calibration import promotion
from scoring.contract.faults import faults
from scoring.contract.lengths import question_too_long
from scoring.exams import held, retention, states
from scoring.exams.refolding import update_text_keys
from scoring.marks import settlement
from scoring.models import (
    Answer,
    Criterion,
    Exam,
    Mark,
    MarkingPolicy,
    ModelAnswer,
    Question,
    QuestionGroup,
    locks,
)
from scoring.models.exams import number

Definition = dict[str, Any]


class Frozen(Exception):
    """The exam is fixed or published, so its definition may not change."""


class WouldInvalidate(Exception):
    """The change would make marks by people void, or delete answers."""


@dataclass(frozen=True)
class Consent:
    """What the caller agrees to, beyond loading a definition.

    `force`: changes that make marks by people void or delete answers to questions that are left
    out; `unfinished`: the code of the exam whose results are fixed as `states.become` says;
    `deletes`: how many answers a near date of deletion deletes.
    """

    force: bool = False
    unfinished: str = ""
    deletes: int | None = None


def load(
    definition: Definition, force: bool = False, *, by: User | None = None, **consent: Any
) -> tuple[Exam, bool]:
    """Create or update the exam that the definition describes; True where it was created.

    The answers to changed questions wait to be scored again. `force` and the rest of `consent` are
    those of Consent; `by` is who loads it, for the exam's history. Raises Invalid, Frozen,
    WouldInvalidate, StillUnfinished, DeletesSoon or WrongState; the database is then unchanged.
    """
    if invalid := faults("exam", definition) or rule_faults(definition):
        raise Invalid(invalid)
    with transaction.atomic():
        # Markers, workers and uploads may be writing below the exam. They hold it FOR SHARE: this
        # waits until they have committed, and they wait until the whole definition is loaded. Two
        # definitions of a new exam at once: see `lock_or_create`.
        exam, created = locks.lock_or_create(Exam.objects.all(), code=definition["code"])
        if exam.frozen:
            raise Frozen(exam.state_message)
        agreed = Consent(force, **consent)
        before = None if created else describe(exam)
        _write(exam, definition, agreed)
        if by is not None and before != describe(exam):
            history.record(by, exam, "loaded")
        # Last: fixing the exam freezes the results, which follow from all of the above.
        if (state := definition.get("state", exam.status)) != exam.status:
            states.become(exam, state, by=by, confirmed=agreed.unfinished)
    return exam, created


def _write(exam: Exam, definition: Definition, agreed: Consent) -> None:
    _write_exam(exam, definition, agreed)
    policy_changed = _write_policy(exam, definition.get("marking"))
    _write_questions(exam, definition, agreed.force)
    if policy_changed:
        settlement.settle_exam(exam)


def rule_faults(definition: Definition) -> list[Fault]:
    """The faults that a JSON Schema cannot express: repeated codes, missing groups, points."""
    groups = [group["code"] for group in definition.get("groups", [])]
    problems = _repeated("/groups", groups)
    problems += _repeated("/questions", [question["code"] for question in definition["questions"]])
    for index, question in enumerate(definition["questions"]):
        problems += _question_faults(f"/questions/{index}", question, groups)
    return problems + held.faults(definition.get("held"))


def _repeated(pointer: str, codes: list[str]) -> list[Fault]:
    return [
        fault(f"{pointer}/{index}/code", _("%s occurs twice") % code)
        for index, code in enumerate(codes)
        if code in codes[:index]
    ]


def _question_faults(pointer: str, question: Definition, groups: list[str]) -> list[Fault]:
    problems = _repeated(f"{pointer}/criteria", [c["code"] for c in question["criteria"]])
    if reason := question_too_long(question):
        problems.append(fault(pointer, reason))
    if question.get("group") and question["group"] not in groups:
        problems.append(fault(f"{pointer}/group", _("there is no group %s") % question["group"]))
    step = question.get("step", 1)
    total = sum(criterion["points"] for criterion in question["criteria"])
    if total < question["max_points"]:
        words = {"total": total, "most": question["max_points"]}
        text = _("the criteria give %(total)s points, fewer than %(most)s") % words
        problems.append(fault(f"{pointer}/criteria", text))
    if question["max_points"] % step:
        problems.append(fault(f"{pointer}/max_points", _("not a multiple of the step %s") % step))
    problems += [
        fault(f"{pointer}/criteria/{index}/points", _("not a multiple of the step %s") % step)
        for index, criterion in enumerate(question["criteria"])
        if criterion["points"] % step
    ]
    limits = question.get("limits", {})
    if (limits.get("min") or 0) > (limits.get("max") or float("inf")):
        problems.append(fault(f"{pointer}/limits", _("min is above max")))
    return problems


def _write_exam(exam: Exam, definition: Definition, agreed: Consent) -> None:
    on = definition.get("delete_answers_on")
    retention.confirm(exam, date.fromisoformat(str(on)) if on else None, agreed.deletes)
    exam.title = definition["title"]
    exam.language = definition.get("language", "ja")
    exam.starts_at, exam.ends_at = held.read(definition.get("held"))
    exam.delete_answers_on = on
    exam.no_answers = definition.get("no_answers", [])
    exam.save()
    for group in definition.get("groups", []):
        QuestionGroup.objects.update_or_create(
            exam=exam,
            code=group["code"],
            defaults={
                "label": group.get("label", ""),
                "choose": group["choose"],
                "over_answering": group.get("over_answering", "first"),
            },
        )


def _write_policy(exam: Exam, marking: Definition | None) -> bool:
    """Whether the policy changed; it is left as it is where the definition has no `marking`."""
    if marking is None:
        return False
    values = {**_policy(MarkingPolicy()), **marking}
    if values == _policy(MarkingPolicy.of(exam)):
        return False
    policy, _created = MarkingPolicy.objects.update_or_create(exam=exam, defaults=values)
    policy.refresh_from_db()  # Replace the file's floats by the database's decimals.
    exam.policy = policy  # `exam` may have cached the former policy.
    return True


def _write_questions(exam: Exam, definition: Definition, force: bool) -> None:
    groups = {group.code: group for group in exam.groups.all()}
    removed = exam.questions.exclude(code__in=[q["code"] for q in definition["questions"]])
    if Answer.everything.filter(question__in=removed).exists() and not force:
        codes = ", ".join(question.code for question in removed)
        message = _("%s: the definition leaves out questions that have answers")
        raise WouldInvalidate(message % codes)
    # A worker may be writing marks of these questions, under FOR SHARE on the question and then
    # the answers. Locking in the same order, this waits for it, then deletes its marks too.
    if locks.lock_questions(removed):
        answers = Answer.everything.filter(question__in=removed)
        locks.lock_answers(answers)
        retention.delete_marks(answers)
        removed.delete()
    for position, question in enumerate(definition["questions"]):
        _write_question(exam, position, question, groups.get(question.get("group") or ""), force)
    exam.groups.exclude(code__in=[g["code"] for g in definition.get("groups", [])]).delete()


def _write_question(
    exam: Exam, position: int, described: Definition, group: QuestionGroup | None, force: bool
) -> None:
    limits = described.get("limits", {})
    question, _created = Question.objects.update_or_create(
        exam=exam,
        code=described["code"],
        defaults={
            "position": position,
            "group": group,
            "label": described.get("label", ""),
            "language": described.get("language", exam.language),
            "prompt": described["prompt"],
            "passage": described.get("passage", ""),
            "max_points": described["max_points"],
            "step": described.get("step", 1),
            "min_count": limits.get("min"),
            "max_count": limits.get("max"),
            "count": limits.get("count", "characters"),
            "over_limit": limits.get("over_limit", "flag"),
            "sections": [_section(section) for section in described.get("sections", [])],
            "ranks": described.get("ranks", []),
        },
    )
    _write_criteria(question, described["criteria"])
    question.model_answers.all().delete()
    ModelAnswer.objects.bulk_create(
        ModelAnswer(question=question, text=text) for text in described.get("model_answers", [])
    )
    _seal(Question.objects.select_related("exam").get(pk=question.pk), force)


def _seal(question: Question, force: bool) -> bool:
    """Update the question's digest; True where it changed, so that the answers wait again."""
    before = question.digest
    question.seal()
    if not before:
        promotion.adopt(question)
    if not before or before == question.digest:
        return False
    _rescore(question, force)
    return True


def _section(section: Definition) -> Definition:
    limits = section.get("limits", {})
    bounds = {"min": limits.get("min"), "max": limits.get("max")}
    return {"label": section["label"], "limits": bounds}


def _write_criteria(question: Question, criteria: list[Definition]) -> None:
    question.criteria.all().delete()
    Criterion.objects.bulk_create(
        Criterion(
            question=question,
            position=position,
            code=criterion["code"],
            label=criterion["label"],
            points=criterion["points"],
            references=criterion["references"],
            keywords=criterion.get("keywords", []),
        )
        for position, criterion in enumerate(criteria)
    )


def marked_by_people(questions: QuerySet[Question]) -> bool:
    """Whether people have marked answers to one of the questions."""
    marks = Mark.objects.filter(answer__question__in=questions, answer__counts=True)
    return marks.by_people().exists()


def old_criteria_message(code: str) -> str:
    """Why the exam or question with this code is not changed without force."""
    return _("%s: people have marked answers under the old criteria") % code


def _rescore(question: Question, force: bool) -> None:
    if not force and marked_by_people(Question.objects.filter(pk=question.pk)):
        raise WouldInvalidate(old_criteria_message(question.code))
    answers = Answer.objects.filter(question=question)
    # A worker may be scoring some of them under the former definition. Waiting again takes its
    # claim away, and a worker writes marks only for what it still holds.
    answers.wait_again()
    update_text_keys(Answer.everything.filter(question=question), question.wire())
    promotion.set_aside(question)
    settlement.settle(answers.values_list("pk", flat=True))


def apply_edit(question: Question, force: bool = False) -> bool:
    """Check and seal a question whose rows were edited earlier in the same transaction.

    True where its definition changed, so that its answers wait to be scored again; `force` as in
    `load`. Raises Invalid, Frozen or WouldInvalidate, upon which the caller must roll back.
    """
    exam = locks.lock_exam(question.exam_id)
    if exam.frozen:
        raise Frozen(exam.state_message)
    question = Question.objects.get(pk=question.pk)
    described = _describe_question(question)
    groups = list(exam.groups.values_list("code", flat=True))
    schema_faults = faults("exam", {"code": exam.code, "title": "-", "questions": [described]})
    if invalid := schema_faults or _question_faults("/questions/0", described, groups):
        raise Invalid(
            [fault(f["pointer"].removeprefix("/questions/0"), f["detail"]) for f in invalid]
        )
    return _seal(question, force)


def apply_phrases(exam: Exam, force: bool = False) -> list[int]:
    """Seal the questions of an exam whose phrases were edited earlier in the same transaction.

    Returns the keys of those whose answers wait to be scored again. The transaction holds the exam;
    `force` as in `load`. Raises WouldInvalidate, upon which the caller must roll back.
    """
    questions = Question.objects.select_related("exam").filter(exam=exam)
    return [question.pk for question in questions if _seal(question, force)]


def describe(exam: Exam) -> Definition:
    """The exam's present definition, which `load` would read without a change."""
    questions = exam.questions.select_related("group").prefetch_related("criteria", "model_answers")
    return {
        "code": exam.code,
        "title": exam.title,
        "language": exam.language,
        "state": exam.status,
        "held": held.describe(exam),
        "delete_answers_on": exam.delete_answers_on and str(exam.delete_answers_on),
        "no_answers": exam.no_answers,
        "marking": _policy(MarkingPolicy.of(exam)),
        "groups": [
            {
                "code": group.code,
                "label": group.label,
                "choose": group.choose,
                "over_answering": group.over_answering,
            }
            for group in exam.groups.order_by("pk")
        ],
        "questions": [_describe_question(question) for question in questions],
    }


def _policy(policy: MarkingPolicy) -> Definition:
    """The policy as the `marking` of a definition."""
    fields = [f for f in policy._meta.concrete_fields if f.name not in ("id", "exam")]
    values = {field.name: field.value_from_object(policy) for field in fields}
    return {
        name: number(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }


def _describe_question(question: Question) -> Definition:
    return {
        "code": question.code,
        "label": question.label,
        "group": question.group and question.group.code,
        "ranks": question.ranks,
        **question.definition(),
    }

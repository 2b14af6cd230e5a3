"""Loading an exam definition: the whole of it, or nothing."""

from decimal import Decimal
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from pmscoring.base import texts
from pmscoring.base.faults import Fault, Invalid, fault
from scoring.calibration import promotion
from scoring.contract.faults import faults
from scoring.exams import retention
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
    """The exam is fixed or published; its definition no longer changes."""


class WouldInvalidate(Exception):
    """The change would touch marks that people gave."""


def load(definition: Definition, force: bool = False) -> tuple[Exam, bool]:
    """Create or update the exam that the definition describes; True where it was created.

    Only what changed is written; answers of a changed question wait to be scored anew.
    Raises Invalid, Frozen, WouldInvalidate or WrongState, and then changes nothing.
    """
    found = faults("exam", definition) or rule_faults(definition)
    if found:
        raise Invalid(found)
    with transaction.atomic():
        # Markers, workers and uploads share the exam: this waits until what they have begun is
        # committed, and they wait until the definition is loaded as a whole.
        exam, created = locks.lock_or_create(Exam.objects.all(), code=definition["code"])
        if exam.frozen:
            raise Frozen(exam.in_words)
        _write_exam(exam, definition)
        changed = _write_policy(exam, definition.get("marking"))
        _write_questions(exam, definition, force)
        if changed:
            settlement.settle_exam(exam)
        # Last, for what is fixed is what follows from all the rest.
        if (state := definition.get("state", exam.status)) != exam.status:
            settlement.become(exam, state)
    return exam, created


def rule_faults(definition: Definition) -> list[Fault]:
    """What a schema cannot say: codes once, groups that exist, points that fit."""
    found: list[Fault] = []
    groups = [group["code"] for group in definition.get("groups", [])]
    found += _repeated("/groups", groups)
    found += _repeated("/questions", [question["code"] for question in definition["questions"]])
    for index, question in enumerate(definition["questions"]):
        found += _question_faults(f"/questions/{index}", question, groups)
    return found


def _repeated(pointer: str, codes: list[str]) -> list[Fault]:
    return [
        fault(f"{pointer}/{index}/code", _("%s is there twice") % code)
        for index, code in enumerate(codes)
        if code in codes[:index]
    ]


def _question_faults(pointer: str, question: Definition, groups: list[str]) -> list[Fault]:
    found = _repeated(f"{pointer}/criteria", [c["code"] for c in question["criteria"]])
    if question.get("group") and question["group"] not in groups:
        found.append(fault(f"{pointer}/group", _("there is no group %s") % question["group"]))
    step = question.get("step", 1)
    total = sum(criterion["points"] for criterion in question["criteria"])
    if total < question["max_points"]:
        words = {"total": total, "most": question["max_points"]}
        text = _("the criteria give %(total)s points, fewer than %(most)s") % words
        found.append(fault(f"{pointer}/criteria", text))
    if question["max_points"] % step:
        found.append(fault(f"{pointer}/max_points", _("not a multiple of the step %s") % step))
    found += [
        fault(f"{pointer}/criteria/{index}/points", _("not a multiple of the step %s") % step)
        for index, criterion in enumerate(question["criteria"])
        if criterion["points"] % step
    ]
    limits = question.get("limits", {})
    if (limits.get("min") or 0) > (limits.get("max") or float("inf")):
        found.append(fault(f"{pointer}/limits", _("min is above max")))
    return found


def _write_exam(exam: Exam, definition: Definition) -> None:
    exam.title = definition["title"]
    exam.language = definition.get("language", "ja")
    exam.delete_answers_on = definition.get("delete_answers_on")
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


def _write_policy(exam: Exam, wanted: Definition | None) -> bool:
    """True where it changed; a definition without one leaves the exam's as it is."""
    if wanted is None:
        return False
    values = {**_policy(MarkingPolicy()), **wanted}
    if values == _policy(MarkingPolicy.of(exam)):
        return False
    policy, _created = MarkingPolicy.objects.update_or_create(exam=exam, defaults=values)
    policy.refresh_from_db()  # Numbers as the database has them, not as the file had them.
    exam.policy = policy  # The object at hand keeps what it has read once.
    return True


def _write_questions(exam: Exam, definition: Definition, force: bool) -> None:
    groups = {group.code: group for group in exam.groups.all()}
    gone = exam.questions.exclude(code__in=[q["code"] for q in definition["questions"]])
    if Answer.objects.filter(question__in=gone).exists() and not force:
        codes = ", ".join(question.code for question in gone)
        told = _("%s: answers were given to what the definition leaves out")
        raise WouldInvalidate(told % codes)
    # Before their answers, as a worker shares them that writes marks at this moment.
    if locks.lock_questions(gone):
        answers = Answer.objects.filter(question__in=gone)
        locks.lock_answers(answers)
        retention.delete_marks(answers)
        gone.delete()
    for position, wanted in enumerate(definition["questions"]):
        _write_question(exam, position, wanted, groups.get(wanted.get("group") or ""), force)
    exam.groups.exclude(code__in=[g["code"] for g in definition.get("groups", [])]).delete()


def _write_question(
    exam: Exam, position: int, wanted: Definition, group: QuestionGroup | None, force: bool
) -> None:
    limits = wanted.get("limits", {})
    question, _created = Question.objects.update_or_create(
        exam=exam,
        code=wanted["code"],
        defaults={
            "position": position,
            "group": group,
            "label": wanted.get("label", ""),
            "language": wanted.get("language", exam.language),
            "prompt": wanted["prompt"],
            "passage": wanted.get("passage", ""),
            "max_points": wanted["max_points"],
            "step": wanted.get("step", 1),
            "min_count": limits.get("min"),
            "max_count": limits.get("max"),
            "count": limits.get("count", "characters"),
            "over_limit": limits.get("over_limit", "flag"),
            "sections": [_section(section) for section in wanted.get("sections", [])],
            "ranks": wanted.get("ranks", []),
        },
    )
    _write_criteria(question, wanted["criteria"])
    question.model_answers.all().delete()
    ModelAnswer.objects.bulk_create(
        ModelAnswer(question=question, text=text) for text in wanted.get("model_answers", [])
    )
    _seal(Question.objects.get(pk=question.pk), force)


def _seal(question: Question, force: bool) -> bool:
    """Seal it as it now stands; True where it was another before, and its answers wait again."""
    before = question.digest
    question.seal()
    if not before:
        promotion.adopt(question)
    if not before or before == question.digest:
        return False
    _mark_again(question, force)
    return True


def _section(section: Definition) -> Definition:
    limits = section.get("limits", {})
    bounds = {"min": limits.get("min"), "max": limits.get("max")}
    return {"label": section["label"], "limits": bounds}


def _write_criteria(question: Question, wanted: list[Definition]) -> None:
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
        for position, criterion in enumerate(wanted)
    )


def _mark_again(question: Question, force: bool) -> None:
    if Mark.objects.filter(answer__question=question).by_people().exists() and not force:
        told = _("%s: people have marked answers under the old criteria")
        raise WouldInvalidate(told % question.code)
    answers = Answer.objects.filter(question=question)
    # A worker that scores one at this moment loses the claim, and with it its mark of the former
    # question.
    answers.wait_again()
    _name_again(answers, question.wire())
    promotion.set_aside(question)
    settlement.settle(answers.values_list("pk", flat=True))


def _name_again(answers: "models.QuerySet[Answer]", wire: Definition) -> None:
    """Which texts are the same depends on the question's limits and sections."""
    changed = []
    for answer in answers.only("text", "text_key").iterator(1000):
        key = texts.text_key(answer.text, wire)
        if key != answer.text_key:
            answer.text_key = key
            changed.append(answer)
    Answer.objects.bulk_update(changed, ["text_key"], batch_size=1000)


def edited(question: Question, force: bool = False) -> bool:
    """After the rows of one question were changed by themselves, inside the same transaction.

    Seals the question; where its definition changed, its answers wait to be scored anew and True
    comes back. Raises Invalid, Frozen or WouldInvalidate, which must undo the transaction.
    """
    exam = locks.lock_exam(question.exam_id)
    if exam.frozen:
        raise Frozen(exam.in_words)
    question = Question.objects.get(pk=question.pk)
    wanted = _described(question)
    groups = list(exam.groups.values_list("code", flat=True))
    schema = faults("exam", {"code": exam.code, "title": "-", "questions": [wanted]})
    if found := schema or _question_faults("/questions/0", wanted, groups):
        raise Invalid(
            [fault(one["pointer"].removeprefix("/questions/0"), one["detail"]) for one in found]
        )
    return _seal(question, force)


def describe(exam: Exam) -> Definition:
    """The definition as it stands; loading it again changes nothing."""
    questions = exam.questions.select_related("group").prefetch_related("criteria", "model_answers")
    return {
        "code": exam.code,
        "title": exam.title,
        "language": exam.language,
        "state": exam.status,
        "delete_answers_on": exam.delete_answers_on and str(exam.delete_answers_on),
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
        "questions": [_described(question) for question in questions],
    }


def _policy(policy: MarkingPolicy) -> Definition:
    """How the exam is marked, as its definition says it."""
    fields = [one for one in policy._meta.concrete_fields if one.name not in ("id", "exam")]
    values = {field.name: field.value_from_object(policy) for field in fields}
    return {
        name: number(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }


def _described(question: Question) -> Definition:
    return {
        "code": question.code,
        "label": question.label,
        "group": question.group and question.group.code,
        "ranks": question.ranks,
        **question.wire(),
    }

"""The sample exam on the desk: its answers scored, open to people, some saying the same."""

import json
from collections.abc import Iterable
from typing import Any

from scoring.exams import definitions
from scoring.marks import settlement
from scoring.models import Answer, AnswerGroup, Exam, Mark, MarkingPolicy, Question
from tests import factories
from tests.paths import SAMPLE

SAID = "現場の業務の実態を要件に反映するため"
SAID_AGAIN = "現場の業務の実態を要件へ反映するため。"


def texts(code: str) -> list[str]:
    """The sample's answers to a question, each text once."""
    lines = (SAMPLE / "answers.jsonl").read_text("utf-8").splitlines()
    answers = [answer for line in lines for answer in json.loads(line)["answers"]]
    different = dict.fromkeys(answer["text"] for answer in answers if answer["question"] == code)
    return [text for text in different if text.strip()]


def definition(*codes: str) -> dict[str, Any]:
    """The sample exam's, with these questions alone."""
    whole: dict[str, Any] = json.loads((SAMPLE / "exam.json").read_text("utf-8"))
    questions = [question for question in whole["questions"] if question["code"] in codes]
    whole.pop("groups", None)
    return whole | {"questions": questions}


def load(*codes: str, **policy: Any) -> Exam:
    """The sample exam with these questions, in marking under the policy."""
    exam, _ = definitions.load(definition(*codes))
    exam.become(Exam.Status.MARKING)
    MarkingPolicy.objects.update_or_create(
        exam=exam, defaults={"audit_rate": 0, "reference_rate": 0, **policy}
    )
    return Exam.objects.get(pk=exam.pk)


def hand_in(exam: Exam, code: str, texts: Iterable[str], first: int = 0) -> list[Answer]:
    """A scored answer of each text; the machine found evidence in its first half."""
    question = Question.objects.get(exam=exam, code=code)
    waiting = factories.hand_in(question, texts, first, f"candidate-{code}-{{}}")
    Mark.objects.bulk_create(machine_mark(question, answer) for answer in waiting)
    keys = [answer.pk for answer in waiting]
    Answer.objects.filter(pk__in=keys).update(status="scored")
    settlement.settle(keys)
    return waiting


def machine_mark(question: Question, answer: Answer) -> Mark:
    """A mark that is not stored: a point, for the first half of the text."""
    criterion = question.criteria.all()[0]
    evidence = [{"start": 0, "end": len(answer.text) // 2}] if answer.text else []
    criteria = [{"code": criterion.code, "points": 1, "evidence": evidence}]
    return Mark(
        answer=answer,
        source="machine",
        points=1,
        criteria=criteria,
        model="e5" * 32,
        definition=question.digest,
        text_key=answer.text_key,
    )


def grouped(answers: list[Answer], kind: str = "near", distance: float = 0.021) -> AnswerGroup:
    """These answers as one group."""
    group = AnswerGroup.objects.create(
        question=answers[0].question,
        kind=kind,
        distance=distance,
        representative=answers[0],
        size=len(answers),
    )
    Answer.objects.filter(pk__in=[answer.pk for answer in answers]).update(answer_group=group)
    return group

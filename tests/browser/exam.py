"""The sample exam on the desk: its answers scored, open to people, some saying the same."""

import json
from collections.abc import Iterable
from typing import Any

from scoring.exams import definitions
from scoring.intake import submissions
from scoring.marks import settlement
from scoring.models import Answer, AnswerGroup, Exam, Mark, MarkingPolicy, Question
from tests.paths import SAMPLE

SAID = "現場の業務の実態を要件に反映するため"
SAID_AGAIN = "現場の業務の実態を要件へ反映するため。"


def texts(code: str) -> list[str]:
    """The sample's answers to a question, each text once."""
    lines = (SAMPLE / "answers.jsonl").read_text("utf-8").splitlines()
    given = (one for line in lines for one in json.loads(line)["answers"])
    found = dict.fromkeys(one["text"] for one in given if one["question"] == code)
    return [text for text in found if text.strip()]


def definition(*codes: str) -> dict[str, Any]:
    """The sample exam's, with these questions alone."""
    found: dict[str, Any] = json.loads((SAMPLE / "exam.json").read_text("utf-8"))
    found["questions"] = [one for one in found["questions"] if one["code"] in codes]
    found.pop("groups", None)
    return found


def load(*codes: str, **policy: Any) -> Exam:
    """The sample exam with these questions, in marking under the policy."""
    exam, _ = definitions.load(definition(*codes))
    exam.become(Exam.Status.MARKING)
    MarkingPolicy.objects.update_or_create(
        exam=exam, defaults={"audit_rate": 0, "reference_rate": 0, **policy}
    )
    return Exam.objects.get(pk=exam.pk)


def hand_in(exam: Exam, code: str, answers: Iterable[str], first: int = 0) -> list[Answer]:
    """One candidate an answer; the machine found evidence in the first half of each."""
    question = Question.objects.get(exam=exam, code=code)
    records = (
        (
            number,
            {
                "exam": exam.code,
                "candidate": f"candidate-{code}-{number}",
                "answers": [{"question": code, "text": text}],
            },
        )
        for number, text in enumerate(answers, first)
    )
    submissions.accept_all(records)
    waiting = list(Answer.objects.filter(question=question, status="waiting").order_by("pk"))
    Mark.objects.bulk_create(machine_mark(question, answer) for answer in waiting)
    keys = [answer.pk for answer in waiting]
    Answer.objects.filter(pk__in=keys).update(status="scored")
    settlement.settle(keys)
    return waiting


def machine_mark(question: Question, answer: Answer) -> Mark:
    """One that is not stored: a point, for the first half of the text."""
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
    Answer.objects.filter(pk__in=[one.pk for one in answers]).update(answer_group=group)
    return group

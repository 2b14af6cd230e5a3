"""Fold and score again, after the rules of folding have changed, what the former ones folded.

The keys of texts and the digest of a question's definition follow from the folding. A question says
by which rules it has them; the sweep finds those of former rules. Exams that are fixed keep theirs,
and with them their marks. People's marks, calibrations and thresholds stay in force: a calibration
is a function of any folded text.
"""

import logging
from typing import Any

from django.db import models, transaction

from pmscoring.base import texts
from scoring.marks import settlement
from scoring.models import Answer, Exam, Question, Submission, locks

log = logging.getLogger(__name__)
NOT_PLAIN = r"[^!-~]|`"
"""An id with such a character may have another form; the others are in theirs."""


def outdated() -> "models.QuerySet[Question]":
    """Questions whose texts were folded by former rules, and whose results may still change."""
    results_stand = (Exam.Status.FIXED, Exam.Status.PUBLISHED)
    return Question.objects.filter(folding__lt=texts.FOLDING).exclude(
        exam__status__in=results_stand
    )


@transaction.atomic
def renew(question: Question) -> bool:
    """Fold the question's texts by the present rules and let its answers wait; False if it was so.

    While an older release still runs beside this one, answers that it stores get keys of the former
    rules. They are scored as all others; only their mark is not taken over from the same text.
    """
    # Two workers may have the same message, or the exam is fixed at this moment, or its definition
    # is loaded: all hold the exam, and what comes second reads what the first has written. Workers
    # that score or fit hold it FOR SHARE to write, or lose their claim below.
    exam = locks.lock_exam(question.exam_id)
    question = Question.objects.get(pk=question.pk)
    if exam.frozen or question.folding == texts.FOLDING:
        return False
    before, question.folding = question.digest, texts.FOLDING
    question.digest = question.sealed()
    # Calibrations before the question, and this before its answers: scoring/models/locks.py.
    question.calibrations.filter(definition=before).update(definition=question.digest)
    question.save(update_fields=["digest", "folding"])
    answers = Answer.objects.filter(question=question)
    answers.wait_again()
    update_text_keys(Answer.everything.filter(question=question), question.wire())
    rename_candidates(exam)
    settlement.settle(answers.values_list("pk", flat=True))
    return True


def rename_candidates(exam: Exam) -> int:
    """Give the exam's candidates the one form of ids that look alike; return how many keep theirs.

    A candidate keeps the former id where another submission of the same attempt has the new one:
    which of the two answers count is for people to say, who can withdraw one of them. Needs a
    transaction that holds the exam, as intake does: nobody hands in under an id meanwhile.
    """
    rows = Submission.everything.filter(exam=exam, candidate__regex=NOT_PLAIN).order_by("pk")
    kept = 0
    for submission in rows.only("candidate", "attempt", "exam_id"):
        name = texts.identifier(submission.candidate)
        if not name or name == submission.candidate:
            continue
        others = Submission.everything.filter(exam=exam, candidate=name, attempt=submission.attempt)
        if others.exists():
            kept += 1
        else:
            Submission.everything.filter(pk=submission.pk).update(candidate=name)
    if kept:
        log.warning(
            "candidates keep ids that look like others'",
            extra={"exam": exam.code, "candidates": kept},
        )
    return kept


def update_text_keys(answers: "models.QuerySet[Answer]", wire: dict[str, Any]) -> None:
    """Store the key of each text anew; it depends on the question's limits and sections too."""
    changed = []
    for answer in answers.only("text", "text_key").iterator(1000):
        key = texts.text_key(answer.text, wire)
        if key != answer.text_key:
            answer.text_key = key
            changed.append(answer)
    Answer.everything.bulk_update(changed, ["text_key"], batch_size=1000)

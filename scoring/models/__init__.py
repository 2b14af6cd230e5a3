"""The nouns: one file each."""

from scoring.models.access import ApiToken, IdempotencyKey
from scoring.models.answers import Answer, Batch, Submission
from scoring.models.exams import Criterion, Exam, ModelAnswer, Question, QuestionGroup
from scoring.models.marks import Mark
from scoring.models.uploads import Upload

__all__ = [
    "Answer",
    "ApiToken",
    "Batch",
    "Criterion",
    "Exam",
    "IdempotencyKey",
    "Mark",
    "ModelAnswer",
    "Question",
    "QuestionGroup",
    "Submission",
    "Upload",
]

"""The models of scoring, with their querysets and states."""

from scoring.models.access import ApiToken, IdempotencyKey
from scoring.models.answers import Answer, Batch, Submission
from scoring.models.calibrations import (
    Artefact,
    Calibration,
    Example,
    Promotion,
    Threshold,
)
from scoring.models.exams import Criterion, Exam, ModelAnswer, Question, QuestionGroup
from scoring.models.marks import Mark
from scoring.models.people import Assignment, RubricNote, SavedComment
from scoring.models.policies import MarkingPolicy
from scoring.models.reviews import AnswerGroup, Lease, Reference, ReferenceMark, Standing
from scoring.models.uploads import Upload
from scoring.models.withdrawals import Withdrawal

__all__ = [
    "Answer",
    "AnswerGroup",
    "ApiToken",
    "Artefact",
    "Assignment",
    "Batch",
    "Calibration",
    "Criterion",
    "Exam",
    "Example",
    "IdempotencyKey",
    "Lease",
    "Mark",
    "MarkingPolicy",
    "ModelAnswer",
    "Promotion",
    "Question",
    "QuestionGroup",
    "Reference",
    "ReferenceMark",
    "RubricNote",
    "SavedComment",
    "Standing",
    "Submission",
    "Threshold",
    "Upload",
    "Withdrawal",
]

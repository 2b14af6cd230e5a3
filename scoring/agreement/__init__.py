"""How well the machine agrees with people, and people with each other.

What is compared with what, and why that is honest, is told in scoring/agreeing/pairs.py.
"""

from scoring.agreement.audit_sample import observe, recent
from scoring.agreement.figures import of_exam, of_question
from scoring.agreement.shapes import ExamAgreement, Figures, QuestionAgreement

__all__ = [
    "ExamAgreement",
    "Figures",
    "QuestionAgreement",
    "observe",
    "of_exam",
    "of_question",
    "recent",
]

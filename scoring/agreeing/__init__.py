"""How well the machine agrees with people, and people with each other.

What is compared with what, and why that is honest, is told in scoring/agreeing/pairs.py.
"""

from scoring.agreeing.figures import of_exam, of_question
from scoring.agreeing.shapes import ExamAgreement, Figures, QuestionAgreement
from scoring.agreeing.watch import observe, recent

__all__ = [
    "ExamAgreement",
    "Figures",
    "QuestionAgreement",
    "observe",
    "of_exam",
    "of_question",
    "recent",
]

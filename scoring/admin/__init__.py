"""The admin of exams, answers and marks: it translates and decides nothing."""

from scoring.admin import (
    answers,
    arrivals,
    calibrations,
    dashboard,
    exams,
    navigation,
    questions,
    tokens,
)

__all__ = [
    "answers",
    "arrivals",
    "calibrations",
    "dashboard",
    "exams",
    "navigation",
    "questions",
    "tokens",
]

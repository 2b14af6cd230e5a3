"""The admin of exams, answers and marks: it translates and decides nothing."""

from scoring.admin import (
    accounts,
    answers,
    arrivals,
    calibrations,
    exams,
    questions,
    schedules,
    tokens,
)

__all__ = [
    "accounts",
    "answers",
    "arrivals",
    "calibrations",
    "exams",
    "questions",
    "schedules",
    "tokens",
]

"""The admin of exams, answers and marks: it translates and decides nothing."""

from scoring.admin import accounts, answers, arrivals, exams, questions, schedules, tokens

__all__ = ["accounts", "answers", "arrivals", "exams", "questions", "schedules", "tokens"]

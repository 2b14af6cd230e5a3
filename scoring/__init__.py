"""Exams, answers and marks: the scoring REST API and its workers."""

"""Exams: their definitions, and when their answers are deleted."""

"""Answers that turn around what a reference says."""

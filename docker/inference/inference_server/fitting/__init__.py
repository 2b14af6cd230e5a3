"""Fits calibrations to answers that people marked, for one question or for all.

docs/scoring.md describes the method and what it was measured to reach.
"""

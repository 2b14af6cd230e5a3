"""Calibration: from answers that people marked to a model of one question, and its confidence.

docs/scoring.md tells the method and what it was measured to reach.
"""

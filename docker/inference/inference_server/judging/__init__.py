"""What a calibration says of an answer, at scoring time: artefacts and the models in them.

docs/scoring.md describes the method and what it was measured to reach.
"""

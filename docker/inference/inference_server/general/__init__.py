"""A model that carries over: from marked questions to those that nobody has marked yet.

docs/scoring.md tells the method and what it was measured to reach.
"""

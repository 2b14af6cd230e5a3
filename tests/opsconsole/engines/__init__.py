"""Tests of the engines, and the engine in memory that the verbs are tested with."""

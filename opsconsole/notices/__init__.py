"""Telling operators what happened."""

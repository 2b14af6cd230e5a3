"""Marks: given by people, seen by those who may, and settled into the final mark."""

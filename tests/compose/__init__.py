"""The files of the container stack, read and checked without an engine."""

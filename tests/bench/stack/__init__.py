"""Benches of the container stack, on a Docker Engine."""

"""Scaling: what is seen of the load, what follows from it, and what is done."""

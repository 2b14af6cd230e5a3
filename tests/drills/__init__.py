"""Drills: what takes too long for every change, on a real engine. `make drills` runs them."""

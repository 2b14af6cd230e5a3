"""The inference service: weights and a cache, never answers."""

"""Deployments: a release goes into an environment, is judged there, and goes back by itself."""

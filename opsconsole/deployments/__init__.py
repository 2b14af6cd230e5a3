"""Deployments: prepared before anything is touched, rolled out, soaked, live or rolled back."""

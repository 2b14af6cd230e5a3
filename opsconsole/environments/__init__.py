"""Environments: entered, added, looked at, operated."""

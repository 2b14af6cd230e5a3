"""Healing: what runs and is unhealthy is restarted, and given up where that does not help."""

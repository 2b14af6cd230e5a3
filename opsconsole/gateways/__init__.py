"""Ports: processes, PostgreSQL, archives, encryption, stores, notices. None knows a model."""

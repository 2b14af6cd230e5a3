"""Backups: take, verify, store, keep and restore them."""

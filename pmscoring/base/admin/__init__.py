"""The admin's frame: classes, pages and navigation that both apps' admin is built from."""

from pmscoring.base.admin import accounts, schedules, signing_in

__all__ = ["accounts", "schedules", "signing_in"]

"""The console's admin: it translates and decides nothing."""

from opsconsole.admin import navigation

__all__ = ["navigation"]

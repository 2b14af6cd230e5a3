"""The console's admin: it translates and decides nothing."""

from opsconsole.admin import channels, events, navigation

__all__ = ["channels", "events", "navigation"]

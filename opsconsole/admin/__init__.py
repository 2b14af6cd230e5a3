"""The console's admin: it translates and decides nothing."""

from opsconsole.admin import backups, channels, events, navigation, overview, plans, restores

__all__ = ["backups", "channels", "events", "navigation", "overview", "plans", "restores"]

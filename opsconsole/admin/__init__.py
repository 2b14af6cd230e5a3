"""The console's admin: it translates and decides nothing."""

from opsconsole.admin import (
    backups,
    channels,
    deployments,
    environments,
    environments_panel,
    events,
    navigation,
    operations,
    overview,
    plans,
    releases,
    restores,
    scaling,
    scaling_decisions,
    scaling_panel,
    windows,
)

__all__ = [
    "backups",
    "channels",
    "deployments",
    "environments",
    "environments_panel",
    "events",
    "navigation",
    "operations",
    "overview",
    "plans",
    "releases",
    "restores",
    "scaling",
    "scaling_decisions",
    "scaling_panel",
    "windows",
]

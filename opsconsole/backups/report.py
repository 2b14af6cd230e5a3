"""What was looked at in a backup, and what was seen."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

MOST_NAMED = 10
"""Faults that a check names; the others are counted."""
DAMAGE = {"manifest", "files"}
"""Checks whose failure means that the files are no longer those that were once verified."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what was seen."""

    name: str
    ok: bool
    says: str


@dataclass
class Report:
    """All checks; `restore_seconds` is None where nothing was restored."""

    id: str = ""
    checks: list[Check] = field(default_factory=list)
    restore_seconds: float | None = None
    read: bool = False
    """Whether the parts themselves were read, and not only their hashes compared."""

    @property
    def ok(self) -> bool:
        """Whether all is well, as far as it could be seen."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def damaged(self) -> bool:
        """Whether files are missing or changed."""
        return any(check.name in DAMAGE and not check.ok for check in self.checks)

    @property
    def reason(self) -> str:
        """What the checks that failed say."""
        return "; ".join(f"{check.name}: {check.says}" for check in self.checks if not check.ok)

    def add(self, name: str, faults: list[str], good: str) -> bool:
        """Write down a check; returns whether there was no fault."""
        self.checks.append(Check(name, not faults, _some(faults) if faults else good))
        return not faults


def _some(faults: list[str]) -> str:
    more = len(faults) - MOST_NAMED
    named = "; ".join(faults[:MOST_NAMED])
    return named + _(" and %d more") % more if more > 0 else named

"""What exam windows ask of a service: a floor of replicas, asked for before the window begins."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from opsconsole.environments import bounds
from opsconsole.models import ExamWindow
from opsconsole.scaling.shapes import Floor

TICK = timedelta(seconds=15)
"""Between two turns: up to so long after the time to prepare, the next one comes."""
DEFAULT_STARTUP_SECONDS = 120.0
"""Of a service whose start-up time has not been measured yet."""
LEAST_MARGIN_SECONDS = 30.0
MARGIN = 0.5
"""Share of the start-up time: several replicas that start at once take longer than one."""
SOON = timedelta(hours=1)
"""For so long before it is prepared, a window is among the floors."""


def floors(
    service: str, at: datetime, startup_seconds: float | None, engine: str = ""
) -> list[Floor]:
    """The floors of windows that hold, are prepared, or will be within SOON; the earliest first.

    `startup_seconds` is the measured start-up time of a replica of the service, None where none has
    been measured. No floor is above what the service may have on the engine (bounds.most).
    """
    lead = lead_of(startup_seconds).whole
    windows = ExamWindow.objects.filter(ends_at__gt=at, starts_at__lte=at + SOON + lead)
    wanted = [
        floor_of(window, service, lead, engine) for window in windows.order_by("starts_at", "pk")
    ]
    return [floor for floor in wanted if floor]


def floor_of(window: ExamWindow, service: str, lead: timedelta, engine: str = "") -> Floor | None:
    """What the window asks of the service, `lead` ahead; None where it asks nothing."""
    replicas = window.floors.get(service)
    if type(replicas) is not int or replicas < 1:
        return None
    return Floor(
        name=window.name,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        replicas=min(replicas, bounds.most(service, engine)),
        prepare_at=window.starts_at - lead,
    )


@dataclass(frozen=True)
class Lead:
    """How long before its start a window is prepared: a start-up, a margin, and one tick.

    One start-up is enough for any number of replicas, for they start together: no rate bounds the
    way up to a floor.
    """

    startup: timedelta
    measured: bool

    @property
    def whole(self) -> timedelta:
        """All of it."""
        margin = max(timedelta(seconds=LEAST_MARGIN_SECONDS), MARGIN * self.startup)
        return self.startup + margin + TICK


def lead_of(startup_seconds: float | None) -> Lead:
    """By the measured start-up time of a replica, or by DEFAULT_STARTUP_SECONDS."""
    seconds = DEFAULT_STARTUP_SECONDS if startup_seconds is None else startup_seconds
    return Lead(timedelta(seconds=seconds), measured=startup_seconds is not None)

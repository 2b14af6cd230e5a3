"""How far a deployment is: its steps and its heartbeat, which also says when to stop.

Every call writes the row by the claim of this driver, so that a driver whose lease ran out learns
of it here, by WrongState, before it does anything more.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.deployments import holding
from opsconsole.models import Deployment
from pmscoring.base import hold
from pmscoring.base.redaction import redacted

BEAT_SECONDS = 2.0
"""Between two heartbeats: a lease lasts for many of them."""
LONGEST_SAYS = 4000
"""Characters that a step keeps of what was said; the beginning is cut off."""
Wait = Callable[[float], object]
"""Waits for so many seconds."""


class Cancelled(Exception):
    """Somebody asked to cancel the deployment."""


class Overdue(Exception):
    """The deployment has been in its state for longer than it may."""


class Progress:
    """The steps of one deployment. Each call raises WrongState where another one drives it.

    `undoing` is true once it goes back: then nothing stops it but the deadline. `held` is true
    while the application is to be held, which each heartbeat renews.
    """

    def __init__(
        self, deployment: Deployment, *, wait: Wait = time.sleep, every: float = BEAT_SECONDS
    ) -> None:
        self.deployment, self.wait, self.every = deployment, wait, every
        self.undoing = self.held = False
        self.beaten = 0.0
        self.began: datetime | None = None

    def enter(self, status: str) -> None:
        """Go on to the next state, whose deadline begins now."""
        if not self.undoing:
            self.look()
        self.deployment.step(status, since=now(), fraction=FRACTIONS[status])

    def begin(self, name: str) -> None:
        """Begin a step; a step of that name that broke off is begun again."""
        self.look()
        self.began = now()
        rest = [step for step in self.deployment.steps if step["name"] != name]
        during = self.deployment.status
        step = {"name": name, "during": during, "state": "running", "seconds": None, "says": ""}
        self.deployment.beat(steps=[*rest, step], stage=name[:100])

    def say(self, text: str) -> None:
        """Add a line to the present step."""
        step = self._step()
        if step is None:
            return
        step["says"] = f"{step['says']}\n{redacted(text)}".strip()[-LONGEST_SAYS:]
        self.alive()

    def end(self, state: str = "done", says: str = "") -> None:
        """End the present step: done, failed or skipped."""
        step = self._step()
        if step is None:
            return
        if says:
            step["says"] = f"{step['says']}\n{redacted(says)}".strip()[-LONGEST_SAYS:]
        step["state"] = state
        step["seconds"] = round((now() - self.began).total_seconds(), 1) if self.began else None
        self.beat()

    def alive(self) -> None:
        """Heartbeat, at most every BEAT_SECONDS; raises Cancelled and Overdue as well."""
        if time.monotonic() - self.beaten >= self.every:
            self.surely_alive()

    def surely_alive(self) -> None:
        """Heartbeat at once, as before whatever cannot be undone; raises what `alive` raises.

        The heartbeat first: one that was cancelled lives on until it has undone what it did.
        """
        self.beat()
        self.look()

    def pause(self, seconds: float) -> None:
        """Wait for something outside, alive."""
        self.alive()
        self.wait(seconds)

    def beat(self, **changes: Any) -> None:
        """Heartbeat at once."""
        self.deployment.beat(steps=self.deployment.steps, **changes)
        self.beaten = time.monotonic()
        if self.held:
            hold.renew(holding.holder_of(self.deployment))

    def hold(self) -> None:
        """Show the maintenance page from now on."""
        self.held = True
        hold.renew(holding.holder_of(self.deployment))

    def lift(self) -> None:
        """End the maintenance page, if this deployment shows it."""
        if self.held:
            self.held = False
            hold.lift()

    def _step(self) -> dict[str, Any] | None:
        steps: list[dict[str, Any]] = self.deployment.steps
        return steps[-1] if steps and steps[-1]["state"] == "running" else None

    def look(self) -> None:
        """Raise Cancelled where a person has asked for it, and Overdue when time is up."""
        if self.deployment.is_overdue():
            state = self.deployment.get_status_display()
            raise Overdue(_("it was in the state “%s” for too long") % state)
        if self.undoing:
            return
        cancelled = Deployment.objects.filter(pk=self.deployment.pk).exclude(cancel_at=None)
        for by in cancelled.values_list("cancelled_by", flat=True):
            raise Cancelled(_("cancelled by %s") % by)


FRACTIONS = {
    "preparing": 0.05,
    "backing_up": 0.2,
    "migrating": 0.4,
    "rolling": 0.5,
    "soaking": 0.8,
    "rolling_back": 0.9,
}
"""How far a deployment in a state roughly is, of the whole."""

"""Policies at work on a site of the drills, what they decided, and how containers ended."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tests.drills.deploying import Site
from tests.stack.callers import EXAM, NUMBERS, Api
from tests.stack.engine import wait_for

QUICK = [{"unit": "replicas", "value": 1, "seconds": 15}]
STEADY = {"least": 1, "tolerance": 0.1, "up_rates": QUICK, "down_rates": QUICK, "down_window": 45,
          "up_window": 0, "cooldown": 1, "warm_up": 30, "dry_run": False}  # fmt: skip
LONG = "要件が{n}回変わり、合意しないまま{n}日遅れた。" * 2
"""Long enough that thousands take minutes."""
BY_CPU = [{"kind": "cpu", "target": 0.3, "basis": "average"}]


def by_queue(target: int) -> list[dict[str, Any]]:
    """The metrics of a policy that wants a worker for so many waiting answers."""
    return [{"kind": "waiting", "target": target, "basis": "total"}]


def set_policy(site: Site, service: str, **columns: Any) -> None:
    """Put the service's policy, which is there from the first start, to work with these columns."""
    values = json.dumps({**STEADY, **columns})
    policy = f"ScalingPolicy.objects.filter(environment__is_here=True, service={service!r})"
    assert site.of_console(f"{policy}.update(**json.loads({values!r}))") == 1


def rest(site: Site, service: str) -> None:
    """Leave the number alone from now on."""
    site.of_console(f"ScalingPolicy.objects.filter(service={service!r}).update(dry_run=True)")


def running(site: Site, service: str) -> int:
    """Healthy containers of the service."""
    return sum(each.health == "healthy" for each in site.containers(service))


def decisions(site: Site, service: str, since: datetime) -> list[dict[str, Any]]:
    """What was decided since then, the oldest first."""
    rows = (
        f"ScalingDecision.objects.filter(policy__service={service!r},"
        f" at__gte={since.isoformat()!r}).order_by('at')"
    )
    columns = "'at', 'current', 'recommended', 'desired', 'action', 'because', 'outcome', 'came'"
    listed: list[dict[str, Any]] = site.of_console(f"list({rows}.values({columns}))")
    return listed


def course(rows: list[dict[str, Any]]) -> str:
    """The numbers of replicas one after another, as 1→2→3."""
    changes = [row for row in rows if row["action"] in ("up", "down") and row["outcome"] == "done"]
    first = [str(changes[0]["current"])] if changes else []
    return "→".join([*first, *(str(row["desired"]) for row in changes)])


def hand_in_a_file(door: Api, answers: int, name: str) -> None:
    """Upload so many answers, of candidates whose numbers begin with `name`.

    No text was there before: its mark would be taken over at once.
    """
    lines = (f"{name}-{n},Q1," + LONG.format(n=next(NUMBERS)) for n in range(answers))
    content = "\n".join(["candidate,question,text", *lines])
    with door.client() as client:
        files = {"file": (f"{name}.csv", content.encode(), "text/csv")}
        upload = client.post(f"/api/v1/uploads?exam={EXAM}", files=files)
        assert upload.status_code in (201, 202), upload.text
        place = f"/api/v1/uploads/{upload.json()['id']}"
        wait_for(lambda: client.get(place).json()["status"] == "read", 300, "the file is read")


@contextmanager
def exits(site: Site, service: str) -> Iterator[Callable[[], list[str]]]:
    """Gives the exit statuses of the service's containers that have ended since it was entered.

    They are heard meanwhile: the engine keeps its last 256 events, most of which are health checks.
    """
    filters = [f"--filter={each}" for each in ("event=die", *site.labels(service))]
    form = '--format={{index .Actor.Attributes "exitCode"}}'
    with tempfile.TemporaryFile("w+") as heard:
        listener = subprocess.Popen(["docker", "events", *filters, form], stdout=heard)

        def ended() -> list[str]:
            heard.seek(0)
            return heard.read().split()

        try:
            yield ended
        finally:
            listener.terminate()
            listener.wait(30)

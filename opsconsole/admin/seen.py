"""What the ops worker saw of an environment, as people read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsconsole.admin import colours, states, words
from opsconsole.environments import look, restarts
from opsconsole.models import Environment
from pmscoring.base.admin.labels import labels

MOST_HAPPENINGS = 30
SHORT = 12
"""Characters of a digest or of a replica's id that tell one from another."""
HIGH = 0.9
"""The share of a limit from which a use is shown in red."""


@dataclass(frozen=True)
class Use:
    """How much of its limit a replica uses: in words, and as a share where there is a limit."""

    says: str
    share: float | None = None

    @property
    def is_high(self) -> bool:
        """Whether it comes near to its limit."""
        return self.share is not None and self.share >= HIGH


@dataclass(frozen=True)
class Replica:
    """A row of the table. `stays` says why it is not restarted from here, empty where it is."""

    id: str
    name: str
    state: SafeString
    health: SafeString
    says: str
    image: str
    digest: str
    cpu: Use
    memory: Use
    restarts: int
    since: SafeString
    runs: bool
    service: str
    stays: str


@dataclass(frozen=True)
class Service:
    """A service with its replicas; `good` of `wanted` run and are healthy."""

    name: str
    wanted: int
    good: int
    one_shot: bool
    is_bad: bool
    replicas: list[Replica]

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return max(len(self.replicas), 1)


def services(environment: Environment) -> list[Service]:
    """All of them, as they were seen last."""
    return [_service(environment, row) for row in environment.seen.get("services") or []]


def replica(environment: Environment, name: str) -> Replica | None:
    """The replica of this id."""
    rows = (row for service in services(environment) for row in service.replicas)
    return next((row for row in rows if row.id == name), None)


def happenings(environment: Environment) -> list[dict[str, Any]]:
    """What the engine recorded of late, the last first."""
    rows = sorted(environment.seen.get("happenings") or [], key=lambda row: str(row.get("at")))
    return [
        {**row, "at": states.when(row.get("at")), "replica": _short(row)}
        for row in rows[::-1][:MOST_HAPPENINGS]
    ]


def _short(row: dict[str, Any]) -> str:
    """The name of its replica; of one that came and went between two looks, how its id begins."""
    return str(row.get("name") or str(row.get("replica") or "")[:SHORT])


def label(environment: Environment, at: datetime | None = None) -> SafeString:
    """How the environment is, in its colour."""
    return labels([health(environment, at)])


def health(environment: Environment, at: datetime | None = None) -> tuple[str, str]:
    """The colour and the word for how the environment is; what was seen long ago is not known."""
    state = look.state_of(environment, at)
    if state == "sick":
        bad = [service.name for service in services(environment) if service.is_bad]
        text = ngettext("%(count)d service sick", "%(count)d services sick", len(bad))
        return "danger", text % {"count": len(bad)}
    known = {
        "removed": ("default", _("removed")),
        "added": ("info", _("not laid out yet")),
        "healthy": ("success", _("healthy")),
    }
    return known.get(state, ("warning", _("unknown")))


def totals(environment: Environment) -> dict[str, Any]:
    """Replicas, CPU and memory of all services together; None where nothing was measured."""
    rows = environment.seen.get("services") or []
    uses = [replica for service in rows for replica in service["replicas"]]
    cores = [use["cpu_cores"] for use in uses if use.get("cpu_cores") is not None]
    memory = [use["memory_bytes"] for use in uses if use.get("memory_bytes") is not None]
    return {
        "good": sum(
            min(service.good, service.wanted)
            for service in services(environment)
            if not service.one_shot
        ),
        "wanted": sum(row["wanted"] for row in rows if not row["one_shot"]),
        "cpu": _cores(sum(cores)) if cores else words.NOTHING,
        "memory": words.size(sum(memory)) if memory else words.NOTHING,
    }


def beside(environment: Environment, wanted: Replica) -> int:
    """How many replicas of the same service are good beside this one."""
    rows = environment.seen.get("services") or []
    replicas = [
        each for row in rows if row.get("name") == wanted.service for each in row["replicas"]
    ]
    return sum(_is_good(each) for each in replicas if each.get("id") != wanted.id)


def _service(environment: Environment, row: dict[str, Any]) -> Service:
    replicas, name = row["replicas"], str(row.get("name") or "")
    stays = restarts.refusal(environment, name)
    return Service(
        name=name,
        wanted=int(row.get("wanted") or 0),
        good=sum(map(_is_good, replicas)),
        one_shot=bool(row.get("one_shot")),
        is_bad=not look.is_well(row),
        replicas=[_replica(replica, name, stays) for replica in replicas],
    )


def _is_good(row: Mapping[str, Any]) -> bool:
    return row.get("state") == "running" and row.get("health") in ("healthy", "none")


def _replica(row: Mapping[str, Any], service: str, stays: str) -> Replica:
    image = str(row.get("image") or "")
    return Replica(
        id=str(row.get("id") or ""),
        name=str(row.get("name") or row.get("id") or ""),
        state=labels([_named(row.get("state"), _states(), colours.STATE)]),
        health=labels([_named(row.get("health"), _healths(), colours.HEALTH)]),
        says=str(row.get("health_says") or ""),
        image=image.rpartition("/")[2],
        digest=str(row.get("digest") or "").removeprefix("sha256:")[:SHORT],
        cpu=_use(row.get("cpu_cores"), row.get("cpu_limit"), _cores),
        memory=_use(row.get("memory_bytes"), row.get("memory_limit"), words.size),
        restarts=int(row.get("restarts") or 0),
        since=states.since(_time(row.get("started_at"))),
        runs=row.get("state") == "running",
        service=service,
        stays=stays,
    )


def _time(value: Any) -> datetime | None:
    return parse_datetime(value) if isinstance(value, str) else None


def _use(value: Any, limit: Any, write: Any) -> Use:
    if value is None:
        return Use(words.NOTHING)
    if not limit:
        return Use(write(value))
    says = _("%(used)s of %(limit)s") % {"used": write(value), "limit": write(limit)}
    return Use(says, value / limit)


def _cores(number: float) -> str:
    text = f"{number:.2f}".rstrip("0").rstrip(".") if number >= 0.005 else "0"
    return _("%(number)s cores") % {"number": text}


def _named(value: Any, names: Mapping[str, str], palette: Mapping[str, str]) -> tuple[str, str]:
    """Colour and name; a value of a later version has neither."""
    return palette.get(str(value), "default"), names.get(str(value), str(value or words.NOTHING))


def _states() -> dict[str, str]:
    return {
        "starting": _("starting"),
        "running": _("running"),
        "restarting": _("restarting"),
        "stopped": _("stopped"),
    }


def _healths() -> dict[str, str]:
    return {
        "healthy": _("healthy"),
        "starting": _("starting"),
        "unhealthy": _("unhealthy"),
        "unknown": _("unknown"),
        "none": _("no check"),
    }

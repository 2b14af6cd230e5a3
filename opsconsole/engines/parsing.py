"""What a Docker Engine's documents say, in the words of the port. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.engines.base import Counted, Health, Replica, State, Usage
from pmscoring.base.redaction import redacted

Document = Mapping[str, Any]
STATES = {
    "created": State.STARTING,
    "running": State.RUNNING,
    "restarting": State.RESTARTING,
}
HEALTHS = {
    "healthy": Health.HEALTHY,
    "starting": Health.STARTING,
    "unhealthy": Health.UNHEALTHY,
    "none": Health.NONE,
}
NANOSECONDS = 1_000_000_000
DEFAULT_CHECK = {"Interval": 30 * NANOSECONDS, "Timeout": 30 * NANOSECONDS, "Retries": 3}
"""The engine's own values where a check names none (0 counts as none)."""
INTERVALS = 3
"""Health that was checked longer ago than this many intervals is not known any more."""
SAYS = 500
"""The most characters that are kept of a health check's output."""
UNLIMITED = 1 << 60
"""A memory limit above it is the kernel's word for none."""


@dataclass(frozen=True)
class Check:
    """How health is checked."""

    interval: timedelta
    timeout: timedelta
    retries: int
    start_period: timedelta

    @property
    def longest(self) -> timedelta:
        """Until a new container must be healthy, or never will be."""
        return self.start_period + (self.interval + self.timeout) * self.retries


def counted(stats: Document) -> Counted | None:
    """The running totals in a document of statistics; None where the container does not run."""
    cpu = stats.get("cpu_stats") or {}
    if not cpu.get("system_cpu_usage"):
        return None
    held_back = cpu.get("throttling_data") or {}
    return Counted(
        cpu["cpu_usage"]["total_usage"] / NANOSECONDS,
        cpu["system_cpu_usage"] / NANOSECONDS,
        held_back.get("periods") or 0,
        held_back.get("throttled_periods") or 0,
        cpu.get("online_cpus"),
    )


def moment(text: str | None) -> datetime | None:
    """Of RFC 3339 with nanoseconds; None for the engine's word for never, the year 1."""
    if not text or text.startswith("0001-"):
        return None
    whole, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    zone = rest[digits:] if dot else ""
    text = f"{whole}.{rest[: min(digits, 6)]}{zone}" if dot else whole
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def check_of(config: Document) -> Check | None:
    """The health check of a container's or an image's configuration."""
    settings = config.get("Healthcheck") or {}
    test = settings.get("Test") or []
    if not test or test[0] == "NONE":
        return None
    settings = {**DEFAULT_CHECK, **{name: value for name, value in settings.items() if value}}
    return Check(
        _duration(settings["Interval"]),
        _duration(settings["Timeout"]),
        settings["Retries"],
        _duration(settings.get("StartPeriod", 0)),
    )


def _duration(nanoseconds: int) -> timedelta:
    return timedelta(microseconds=nanoseconds / 1000)


def health(inspected: Document, at: datetime) -> tuple[Health, str]:
    """What the last check of a container says, if it is fresh: after the engine's own restart the
    checks of containers that lived on may have stopped, and the last word stays for ever.
    """
    state, check = inspected["State"], check_of(inspected["Config"])
    checked = state.get("Health")
    if check is None or not checked or state["Status"] != "running":
        return Health.NONE, ""
    log = checked.get("Log") or []
    says = redacted(log[-1].get("Output", "").strip())[-SAYS:] if log else ""
    # A check that runs at this moment is not late before its own timeout.
    late = at - INTERVALS * check.interval - check.timeout
    last = max(filter(None, (moment(state["StartedAt"]), *(moment(entry["End"]) for entry in log))))
    if last < late:
        return Health.UNKNOWN, _("last checked at %s UTC") % f"{last:%Y-%m-%d %H:%M:%S}"
    return HEALTHS.get(checked["Status"], Health.UNKNOWN), says


def replica(inspected: Document, service: str, project: str, at: datetime) -> Replica:
    """A container as a replica of the service."""
    state, config = inspected["State"], inspected["Config"]
    status = STATES.get(state["Status"], State.STOPPED)
    how, says = health(inspected, at)
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    addresses = (network.get("IPAddress") for network in networks.values())
    return Replica(
        id=inspected["Id"],
        name=inspected["Name"].lstrip("/").removeprefix(f"{project}-"),
        service=service,
        state=status,
        health=how,
        health_says=says or _ended(state),
        image=config["Image"],
        digest=inspected["Image"],
        started_at=moment(state["StartedAt"]),
        finished_at=moment(state["FinishedAt"]),
        exit_code=state["ExitCode"] if status in (State.STOPPED, State.RESTARTING) else None,
        restarts=inspected.get("RestartCount", 0),
        addresses=tuple(sorted(filter(None, addresses))),
    )


def _ended(state: Document) -> str:
    """Why it does not run: the engine's own error, or that the kernel has killed it."""
    killed = _("out of memory") if state.get("OOMKilled") and state["Status"] != "running" else ""
    return redacted(state.get("Error") or killed)


def is_one_shot(inspected: Document) -> bool:
    """Whether the container is meant to end: it is not started again once it has done its work."""
    policy = (inspected["HostConfig"].get("RestartPolicy") or {}).get("Name") or "no"
    return policy in ("no", "on-failure")


def usage(stats: Document, host: Document, earlier: Counted | None) -> Usage:
    """Of a container, from its statistics and its HostConfig, with what was counted before.

    Memory leaves out the page cache that the kernel gives back first, as `docker stats` does;
    cgroup v1 and v2 have different names for it.
    """
    now = counted(stats)
    return Usage(
        cpu_cores=now.cores_since(earlier) if now and earlier else None,
        memory_bytes=_memory(stats.get("memory_stats") or {}),
        cpu_limit=_cpu_limit(host),
        memory_limit=_memory_limit(host),
        throttled=now.throttled_since(earlier) if now and earlier else None,
        counted=now,
    )


def _memory(memory: Document) -> int | None:
    if "usage" not in memory:
        return None
    stats = memory.get("stats") or {}
    idle = stats.get("total_inactive_file", stats.get("inactive_file", 0))
    return max(int(memory["usage"]) - int(idle), 0)


def _cpu_limit(host: Document) -> float | None:
    if host.get("NanoCpus"):
        return float(host["NanoCpus"] / NANOSECONDS)
    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    return quota / period if quota > 0 else None


def _memory_limit(host: Document) -> int | None:
    limit = int(host.get("Memory") or 0)
    return limit if 0 < limit < UNLIMITED else None

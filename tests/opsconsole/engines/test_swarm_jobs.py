"""Swarm's jobs that run a command once: which run, and which have ended."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from opsconsole.engines.base import LABEL
from opsconsole.engines.daemon import Daemon
from opsconsole.engines.swarm_parsing import NAMESPACE, ONE_OFF
from opsconsole.engines.swarm_services import SwarmServices

LONG_AGO = "2026-01-01T00:00:00Z"


class Manager:
    """A manager with these jobs, by name, each with the states of its tasks."""

    def __init__(self, **jobs: list[str]) -> None:
        self.jobs = {name.replace("_", "-"): states for name, states in jobs.items()}
        self.api = self

    def ask(self, question: Callable[[], Any]) -> Any:
        return question()

    def services(self, filters: object) -> list[dict[str, Any]]:
        labels = {NAMESPACE: "pms", LABEL: "pms", ONE_OFF: "true"}
        return [
            {"ID": name, "CreatedAt": LONG_AGO, "Spec": {"Name": f"pms_{name}", "Labels": labels}}
            for name in self.jobs
        ]

    def tasks(self, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
        return [
            # A job's task is never to be running, but complete.
            {"ServiceID": name, "DesiredState": "complete", "Status": {"State": state}}
            for name in filters["service"]
            for state in self.jobs[name]
        ]


def services(**jobs: list[str]) -> SwarmServices:
    return SwarmServices(cast("Daemon", Manager(**jobs)), "pms")


def test_a_job_that_runs_has_not_ended_however_long_ago_it_was_made() -> None:
    seen = services(run_ops_1=["running"], run_ops_2=["complete"], run_ops_3=["failed"])
    assert seen.ended_jobs(timedelta(hours=1)) == ["pms_run-ops-2", "pms_run-ops-3"]


def test_what_runs_as_a_service_are_its_jobs_that_have_not_ended() -> None:
    seen = services(
        run_migrate_1=["running"],
        run_migrate_2=["complete"],
        run_migrate_3=[],
        run_migrate_more_4=["running"],
        run_ops_5=["running"],
    )
    assert seen.running_jobs("run-migrate") == ["pms_run-migrate-1", "pms_run-migrate-3"]

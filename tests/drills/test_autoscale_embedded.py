"""`make run` under load: the workers come with the queue and go with it, and none is killed."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from opsconsole.gateways.supervisor import Program, Supervisor
from opsconsole.scaling.recorded import sample_in
from pmscoring.embedded.cluster import Cluster
from pmscoring.embedded.folders import read_ports
from tests.drills.conftest import Told
from tests.drills.pace import FEW, answers_for
from tests.fresh.installed import Installation, installed
from tests.stack.callers import Api, Load, answer
from tests.stack.count import MARKS, OPEN, TOTAL
from tests.stack.exams import load_exam
from tests.waiting import wait_until

QUEUE_SECONDS = 60
"""For so long one worker would be busy with the first queue."""
BATCH = "128"
"""Answers: so the queue is many batches, and the inference service has room for those of four."""
WORK_SECONDS = 90
"""For so long the second queue keeps the workers busy."""
POLICIES, DECISIONS = "/api/v1/ops/policies", "/api/v1/ops/decisions"
TOKEN = """
from django.contrib.auth.models import User
from scoring.models import ApiToken
print(ApiToken.issue(User.objects.get(username="admin"))[1])
"""
CLAIMS = "SELECT count(DISTINCT claimed_at) FROM scoring_answer WHERE status = 'scoring'"
SPEED = "SELECT count(*) / extract(epoch FROM max(created_at) - min(created_at)) FROM scoring_mark"
OF_ONE_WORKER = 2
"""Batches that one worker has under way at most: CELERY_CONCURRENCY."""
ALL = [{"kind": "waiting", "target": 1e6, "basis": "total"}]
"""One worker is enough for any queue."""
QUICK = {"most": 2, "down_window": 30, "cooldown": 1}


@dataclass(frozen=True)
class Site:
    """The installation, and whoever may do everything there."""

    installation: Installation
    api: Api
    began: datetime

    @property
    def supervisor(self) -> Supervisor:
        """Who starts and stops its processes."""
        return Supervisor(self.installation.var / "run")

    def programs(self) -> dict[str, Program]:
        """Those of the workers, running or not."""
        programs = self.supervisor.programs()
        return {each.name: each for each in programs if each.name.startswith("worker")}

    def running(self) -> list[str]:
        """The workers that run."""
        return [name for name, each in self.programs().items() if each.state == "RUNNING"]

    def sql(self, query: str) -> list[list[str]]:
        """Rows, as words."""
        var = self.installation.var
        url = Cluster.under(var).url(read_ports(var / "run")["postgres"])
        with psycopg.connect(url) as connection:
            return [[str(each) for each in row] for row in connection.execute(query.encode())]

    def count(self, query: str) -> int:
        """The one number that it gives."""
        return int(self.sql(query)[0][0])

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """A call of REST, which must succeed."""
        with self.api.client() as client:
            response = client.request(method, path, json=body or None)
            assert response.is_success, response.text
            return response.json()

    def policy(self) -> dict[str, Any]:
        """That of the workers, which has been there from the first start."""
        (policy,) = self.ask("GET", POLICIES)["results"]
        assert isinstance(policy, dict)
        return policy

    def set_policy(self, **rules: Any) -> None:
        """Let it decide by these rules, and be at work."""
        path = self.policy()["links"]["self"]
        self.ask("PATCH", path, **{**QUICK, "dry_run": False, **rules})

    def decisions(self) -> list[dict[str, Any]]:
        """The newest ones, the newest first."""
        return list(self.ask("GET", f"{DECISIONS}?service=worker")["results"])

    def changes(self, since: datetime) -> list[dict[str, Any]]:
        """Decisions since then that have changed the number, the oldest first."""
        late = [row for row in self.decisions() if datetime.fromisoformat(row["at"]) >= since]
        return [row for row in reversed(late) if row["action"] in ("up", "down")]

    def hand_in(self, count: int) -> None:
        """So many answers at once."""
        lines = "\n".join(json.dumps(answer(), ensure_ascii=False) for _ in range(count))
        with self.api.client() as client:
            headers = {"Content-Type": "application/x-ndjson"}
            path = "/api/v1/submissions/bulk"
            response = client.post(path, content=lines.encode(), headers=headers)
        assert response.json()["accepted"] == count, response.text

    def says(self) -> str:
        """What supervisord has written down."""
        return self.supervisor.log().read_text()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """New, after its first start, with an exam."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SCORING_BATCH", BATCH)
        yield from started()


def started() -> Iterator[Site]:
    """With a token of its superuser."""
    with installed() as installation:
        api = Api(installation.address, installation.shell(TOKEN).split()[-1])
        load_exam(api)
        made = Site(installation, api, datetime.now(UTC))
        # The second sample is the first one that counts what has come.
        wait_until(lambda: len(made.decisions()) >= 2, 120, "it is decided on", every=2)
        yield made


def drained(site: Site, seconds: float) -> float:
    """Seconds until every answer is scored."""
    return wait_until(lambda: site.count(OPEN) == 0, seconds, "every answer is scored")


def test_workers_come_with_the_queue_and_go_with_it(site: Site, told: Told) -> None:
    assert site.policy()["dry_run"]
    assert site.running() == ["worker"]
    many = answers_for(QUEUE_SECONDS, site.hand_in, lambda: drained(site, 240))
    began = datetime.now(UTC)
    site.set_policy(metrics=[{"kind": "waiting", "target": float(many // 8), "basis": "total"}])

    with Load(site.api, callers=1, pause=0.5) as steady:
        site.hand_in(many)
        up = wait_until(lambda: len(site.running()) == 2, 120, "a second worker runs")
        took = wait_until(lambda: site.count(OPEN) < 20, 240, "the queue is drained")
    drained(site, 60)
    down = wait_until(lambda: site.running() == ["worker"], 120, "the second worker is gone")

    wait_until(lambda: len(ended(site, began)) == 2, 60, "both changes are over", every=2)
    ways = [(row["current"], row["desired"], row["outcome"]) for row in site.changes(began)]
    assert ways == [(1, 2, "done"), (2, 1, "done")]
    assert steady.failures == []
    assert site.sql(MARKS) == [["1", "scored", str(FEW + many + steady.accepted)]]
    assert_left_in_order(site)
    told(
        f"embedded 1→2→1: {many} answers at once and {steady.accepted} one by one; the second"
        f" worker after {up:.0f} s, drained {took:.0f} s later, one worker again after"
        f" {down:.0f} s more; each answer scored once"
    )


def test_a_worker_ends_its_batch_before_it_goes(site: Site, told: Told) -> None:
    before, work = site.count(TOTAL), round(WORK_SECONDS * float(site.sql(SPEED)[0][0]))
    site.set_policy(metrics=ALL, least=2)
    wait_until(lambda: len(site.running()) == 2, 60, "a second worker runs")
    site.hand_in(work)
    wait_until(lambda: site.count(CLAIMS) > OF_ONE_WORKER, 60, "both have a batch")
    site.set_policy(down_window=0, least=1)
    wait_until(lambda: site.programs()["worker-2"].state == "STOPPING", 60, "it is told to go")
    begun, waiting = site.count(CLAIMS), site.count(OPEN)
    took = wait_until(lambda: not site.programs()["worker-2"].pid, 160, "it is gone")

    assert begun > OF_ONE_WORKER, "it was in the middle of no batch"
    assert site.count(CLAIMS) <= OF_ONE_WORKER, "it has left claimed answers behind"
    left = site.count(OPEN)
    assert_left_in_order(site)
    wait_until(lambda: site.count(OPEN) == 0, 240, "every answer is scored")
    assert site.sql(MARKS) == [["1", "scored", str(before + work)]]
    told(
        f"embedded: told to go with {waiting} answers open, the worker ended its batch within"
        f" {took:.1f} s, and {left} were left to the other one; each answer scored once"
    )


def test_its_samples_are_exported_and_replayed(site: Site, told: Told, tmp_path: Path) -> None:
    file = Path(os.environ.get("RECORD_TO") or tmp_path / "samples.jsonl")
    times = ("--from", site.began.isoformat(), "--to", datetime.now(UTC).isoformat())
    (exported,) = site.installation.manage("autoscale", *times, "--export", str(file))
    (replayed,) = site.installation.manage("autoscale", "--replay", str(file))

    samples = [sample_in(json.loads(line))[1] for line in file.read_text().splitlines()]
    assert exported["samples"] == replayed["samples"] == len(samples)
    came = sum(
        (sample.readings["arrivals"].value or 0.0) * (sample.at - earlier.at).total_seconds()
        for earlier, sample in pairwise(samples)
    )
    assert came == pytest.approx(site.count(TOTAL), rel=0.05)
    assert replayed["recorded"]["changes"] == 4
    told(f"embedded: {len(samples)} samples replayed: {replayed['recorded']}")


def ended(site: Site, since: datetime) -> list[dict[str, Any]]:
    return [row for row in site.changes(since) if row["outcome"] not in ("", "doing")]


def assert_left_in_order(site: Site) -> None:
    """supervisord stopped the second worker, which ended with 0, and had to kill nothing."""
    assert site.programs()["worker-2"].exit_status == 0
    log = site.says()
    assert "stopped: worker-2 (exit status 0)" in log
    assert "killing" not in log, [line for line in log.splitlines() if "killing" in line]

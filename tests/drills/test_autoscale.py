"""Load comes and goes, and the number of replicas follows it, on Compose."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.drills.autoscaling import (
    BY_CPU,
    by_queue,
    course,
    decisions,
    exits,
    hand_in_a_file,
    rest,
    running,
    set_policy,
)
from tests.drills.conftest import Told
from tests.drills.deploying import HERE, Site
from tests.drills.onlookers import Client
from tests.drills.pace import answers_for, rate_for
from tests.stack import count
from tests.stack.callers import Api
from tests.stack.engine import wait_for
from tests.stack.stack import free_prefix

WORK_SECONDS = 300
"""For so long one worker would be busy with what is handed in."""
SMALL = {"API_REPLICAS": "1", "WEB_CPUS": "0.5", "WORKER_CPUS": "0.3", "SCORING_BATCH": "64"}
TWO_AT_ONCE = [{"unit": "replicas", "value": 2, "seconds": 15}]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small site, whose web containers and workers may take a part of a core."""
    made = Site(tmp_path_factory.mktemp("autoscale"), free_prefix(), project="pmscoring-autoscale")
    made.more |= SMALL
    made.down("--volumes")
    try:
        made.begin()
        yield made
    finally:
        made.down("--volumes")


@pytest.fixture(scope="module")
def door(site: Site) -> Api:
    """Its REST API, with an exam."""
    return site.api()


@pytest.fixture(scope="module")
def many(site: Site, door: Api) -> int:
    """Answers that are many for this machine."""
    return answers_for(
        WORK_SECONDS,
        lambda few: hand_in_a_file(door, few, "pace"),
        lambda: count.wait_until_scored(site, 300),
    )


def test_cpu_load_takes_web_to_its_most_and_back_without_a_failed_request(
    site: Site, door: Api, told: Told
) -> None:
    began, rate = datetime.now(UTC), rate_for(door, share=1)
    set_policy(site, "web", most=3, metrics=BY_CPU)
    with Client(site.folder, door, rate=3) as low:
        with Client(site.folder, door, rate=rate) as high:
            up = wait_for(lambda: running(site, "web") == 3, 240, "web is at its most")
            site.settle(high, 300)
        down = wait_for(lambda: len(site.containers("web")) == 1, 300, "web is back")
        site.settle(low, 50)
    rows = decisions(site, "web", began)
    rest(site, "web")
    told(
        f"web {course(rows)}: at its most after {up:.0f} s, back {down:.0f} s after the load;"
        f" with it, {rate:.0f} a second, {high.answers()}; without {low.answers()}"
    )
    assert high.answers().failed == []
    assert low.answers().failed == []
    assert max(row["desired"] for row in rows) == 3


def test_waiting_answers_raise_the_workers_and_drain_once_each(
    site: Site, door: Api, many: int, told: Told
) -> None:
    began = datetime.now(UTC)
    set_policy(site, "worker", most=3, metrics=by_queue(many // 10), up_rates=TWO_AT_ONCE)
    hand_in_a_file(door, many, "many")
    with exits(site, "worker") as ended:
        up = wait_for(lambda: running(site, "worker") == 3, 300, "the workers are at their most")
        drained = count.wait_until_scored(site, 1200)
        down = wait_for(lambda: len(site.containers("worker")) == 1, 400, "the workers are back")
        ends = ended()
    rows = decisions(site, "worker", began)
    rest(site, "worker")
    told(
        f"worker {course(rows)}: {many} answers; at its most after {up:.0f} s, drained after"
        f" {drained:.0f} s more, back {down:.0f} s later; exits {sorted(ends)}"
    )
    assert count.assert_each_was_scored_once(site) >= many
    assert set(ends) == {"0"}


def test_a_worker_in_the_middle_of_its_batch_is_not_killed_by_the_way_down(
    site: Site, door: Api, many: int, told: Told
) -> None:
    site.container("ops").run("python", "manage.py", "scale", HERE, "worker", "2", timeout=180)
    hand_in_a_file(door, many, "batch")
    began = datetime.now(UTC)
    with exits(site, "worker") as ended:
        set_policy(site, "worker", most=1, metrics=by_queue(many // 10))
        wait_for(lambda: went_down(site, began), 60, "a worker is told to go")
        [[still_open]] = site.sql(count.OPEN)
        down = wait_for(lambda: len(site.containers("worker")) == 1, 180, "a worker has gone")
        count.wait_until_scored(site, 1200)
        ends = ended()
    rest(site, "worker")
    told(f"told to go with {still_open} answers open, a worker left {down:.0f} s later; {ends}")
    assert int(still_open) > 0
    count.assert_each_was_scored_once(site)
    assert ends == ["0"]


def went_down(site: Site, since: datetime) -> bool:
    """Whether the policy of the workers has decided on fewer."""
    return any(row["action"] == "down" for row in decisions(site, "worker", since))


def test_load_that_is_not_known_holds_the_replicas(site: Site, told: Told) -> None:
    site.container("ops").run("python", "manage.py", "scale", HERE, "worker", "2", timeout=180)
    site.stop("cache")
    set_policy(site, "worker", most=3, metrics=by_queue(500), down_window=0)
    began = datetime.now(UTC) + timedelta(seconds=25)
    try:
        wait_for(lambda: len(decisions(site, "worker", began)) >= 4, 180, "it decides")
        rows = decisions(site, "worker", began)
        replicas = len(site.containers("worker"))
    finally:
        site.start("cache")
    assert {(row["action"], row["because"]) for row in rows} == {("hold", "missing")}
    assert {row["desired"] for row in rows} == {2}
    assert replicas == 2
    down = wait_for(lambda: len(site.containers("worker")) == 1, 240, "it goes on")
    rest(site, "worker")
    told(f"without the load: held at 2 for {len(rows)} decisions, 1 again {down:.0f} s after it")


def test_the_calendar_has_them_ready_before_the_bell(site: Site, told: Told) -> None:
    set_policy(site, "web", most=3, metrics=BY_CPU)
    bell = datetime.now(UTC) + timedelta(seconds=150)
    window = {
        "name": "bell",
        "starts_at": bell.isoformat(),
        "ends_at": (bell + timedelta(seconds=60)).isoformat(),
        "floors": {"web": 3},
    }
    site.of_console(f"ExamWindow.objects.create(**json.loads({json.dumps(window)!r})).pk")
    wait_for(lambda: running(site, "web") == 3, 300, "they are ready")
    early = (bell - datetime.now(UTC)).total_seconds()
    wait_for(lambda: len(site.containers("web")) == 1, 400, "they go after its end")
    over = (datetime.now(UTC) - bell).total_seconds() - 60
    rest(site, "web")
    told(f"a floor of 3 was ready {early:.0f} s before the bell, gone {over:.0f} s after its end")
    assert early > 0
    assert over >= 0

"""What every engine does, whatever runs the processes. Each engine's tests inherit from these.

A `Lab` is a small environment on the engine under test: a service `web` with two replicas that have
a health check, and the means to change what an engine cannot change itself.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Protocol

import pytest

from opsconsole.engines.base import (
    MOST_LINES,
    Engine,
    EngineAway,
    EngineError,
    Health,
    Replica,
    RollFailed,
    Service,
    State,
    Version,
)
from opsconsole.engines.meanwhile import in_parallel
from pmscoring.base.lifecycle import WrongState
from tests.waiting import wait_until

WEB = "web"
ALONE = "single"
"""A service of one replica, of which two must not run at once."""
SOON = 30.0
TIME = timedelta(seconds=20)


class Lab(Protocol):
    """One environment on the engine under test."""

    engine: Engine
    unchecked: str
    """The name of a service without a health check."""

    def sicken(self, replica: Replica) -> None:
        """Let the replica's health check fail from now on."""

    def says(self, replica: Replica, line: str) -> None:
        """Let the replica write a line to its log."""

    def away(self) -> AbstractContextManager[Engine]:
        """The same environment on an engine that is not there."""

    def hanging(self) -> AbstractContextManager[Engine]:
        """The same environment on an engine that takes calls and never answers."""

    def slow(self) -> AbstractContextManager[Engine]:
        """The same environment on an engine that takes a second for each answer."""


class DeployingLab(Lab, Protocol):
    """One that has versions to deploy."""

    beside: int
    """How many old replicas of two run beside the first new one."""

    def good(self) -> Version:
        """A version other than the one that runs; never the same twice in a row."""

    def sick(self) -> Version:
        """A version whose health check never passes."""

    def dying(self) -> Version:
        """A version that ends at once."""

    def begin(self, version: Version) -> None:
        """Leave what a roll to this version leaves when it is killed before its verdict."""

    def ended(self, name: str) -> tuple[int, str] | None:
        """Exit status and image of a driver that has ended."""

    def pack(self, reference: str, archive: Path) -> None:
        """Save an image into an archive, and remove it from the engine."""

    def keep(self, image: str) -> None:
        """Give an image of ours a name by which another environment keeps it."""

    def strangers(self) -> set[str]:
        """Ids of the containers, images, volumes and networks that are not this environment's."""


def nothing(*_anything: object) -> None:
    """Takes lines, signs of life and replicas, and has no objection."""


def service(engine: Engine, name: str = WEB) -> Service:
    return next(service for service in engine.services() if service.name == name)


def replicas(engine: Engine, name: str = WEB) -> tuple[Replica, ...]:
    """Those that run."""
    return tuple(one for one in service(engine, name).replicas if one.state is State.RUNNING)


def ids(engine: Engine, name: str = WEB) -> set[str]:
    return {replica.id for replica in replicas(engine, name)}


def all_healthy(engine: Engine, count: int, name: str = WEB) -> bool:
    running = replicas(engine, name)
    return len(running) == count and all(one.health is Health.HEALTHY for one in running)


def wait_healthy(engine: Engine, count: int = 2, name: str = WEB) -> None:
    wait_until(
        lambda: all_healthy(engine, count, name), SOON, f"{count} of {name} are healthy", every=0.3
    )


class Seeing:
    """What is seen, and what when nothing can be."""

    def test_it_sees_services_with_their_replicas(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        web = service(lab.engine)
        assert web.wanted == 2
        assert web.has_check
        assert not web.one_shot
        for replica in web.replicas:
            assert replica.service == WEB
            assert replica.state is State.RUNNING
            assert replica.started_at is not None
            assert replica.started_at < datetime.now(UTC)
        assert len({replica.id for replica in web.replicas}) == 2
        assert len({replica.name for replica in web.replicas}) == 2

    def test_what_has_no_check_has_no_health(self, lab: Lab) -> None:
        unchecked = service(lab.engine, lab.unchecked)
        assert not unchecked.has_check
        assert [replica.health for replica in unchecked.replicas] == [Health.NONE]

    def test_it_sees_a_sick_replica(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        sick = replicas(lab.engine)[0]
        lab.sicken(sick)

        def is_seen() -> bool:
            now = next((one for one in replicas(lab.engine) if one.id == sick.id), None)
            return now is None or now.health is Health.UNHEALTHY

        # An engine that heals by itself may have replaced it already.
        wait_until(is_seen, SOON, "it is unhealthy, or replaced", every=0.2)
        lab.engine.restart(sick.id) if sick.id in ids(lab.engine) else None
        wait_healthy(lab.engine)

    def test_it_measures_all_that_runs(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        lab.engine.usage()
        usage = lab.engine.usage()
        for replica in replicas(lab.engine):
            measured = usage[replica.id]
            assert measured.memory_bytes is not None
            assert measured.memory_bytes > 100_000
            assert measured.cpu_cores is not None
            assert 0 <= measured.cpu_cores < 64

    def test_its_logs_are_bounded_in_order_and_without_secrets(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        replica, began = replicas(lab.engine)[0], datetime.now(UTC) - timedelta(seconds=2)
        for number in range(5):
            lab.says(replica, f"line {number} password=hunter{number}22")

        def seen(tail: int, since: datetime | None = None) -> list[tuple[datetime, str]]:
            lines = lab.engine.logs(replica.id, tail=tail, since=since)
            return [(at, line) for at, line in lines if line.startswith("line ")]

        wait_until(lambda: len(seen(1000)) >= 5, SOON, "all lines are there")
        lines = seen(1000, began)
        assert [line.split(" p")[0] for _at, line in lines] == [f"line {n}" for n in range(5)]
        assert sorted(lines, key=lambda line: line[0]) == lines
        assert not any("hunter" in line for _at, line in lines)
        assert len(list(lab.engine.logs(replica.id, tail=2))) == 2
        assert len(seen(10 * MOST_LINES)) >= 5
        assert seen(1000, datetime.now(UTC) + timedelta(minutes=1)) == []

    def test_it_tells_what_has_happened(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        began = datetime.now(UTC)
        lab.engine.restart(replicas(lab.engine)[0].id)
        wait_healthy(lab.engine)

        def started() -> bool:
            happened = lab.engine.happenings(began, datetime.now(UTC))
            return any(one.service == WEB and one.what == "started" for one in happened)

        wait_until(started, SOON, "its start is told")
        assert lab.engine.happenings(began - timedelta(hours=2), began - timedelta(hours=1)) == []

    def test_no_other_replica_is_known(self, lab: Lab) -> None:
        for deed in (lab.engine.restart, lambda id: list(lab.engine.logs(id))):
            with pytest.raises(EngineError):
                deed("0123456789abcdef")

    @pytest.mark.parametrize("kind", ["away", "hanging"])
    def test_an_engine_that_does_not_answer_is_away_soon(self, lab: Lab, kind: str) -> None:
        looks: tuple[Callable[[Engine], object], ...] = (
            lambda engine: engine.services(),
            lambda engine: engine.usage(),
            lambda engine: list(engine.logs("x")),
            lambda engine: engine.restart("x"),
            lambda engine: engine.scale(WEB, 1),
        )

        def seconds(look: Callable[[Engine], object]) -> float:
            began = time.monotonic()
            with pytest.raises(EngineAway, match=r"."):
                look(engine)
            return time.monotonic() - began

        with getattr(lab, kind)() as engine:
            assert max(in_parallel(seconds, looks)) < 5

    def test_a_slow_engine_is_an_engine(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        with lab.slow() as engine:
            assert len(replicas(engine)) == 2


class Operating:
    """What is done to a service that runs."""

    def test_it_scales_up_and_down(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        before = ids(lab.engine)
        lab.engine.scale(WEB, 3)
        wait_healthy(lab.engine, 3)
        assert ids(lab.engine) > before
        assert service(lab.engine).wanted == 3
        lab.engine.scale(WEB, 2)
        wait_until(lambda: len(service(lab.engine).replicas) == 2, SOON, "one has gone")
        assert service(lab.engine).wanted == 2
        assert len(replicas(lab.engine)) == 2

    def test_to_scale_to_what_runs_changes_nothing(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        before = ids(lab.engine)
        lab.engine.scale(WEB, 2)
        assert ids(lab.engine) == before

    def test_it_restarts_one_replica_and_no_other(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        first, other = replicas(lab.engine)
        lab.engine.restart(first.id)
        wait_healthy(lab.engine)
        started = {one.id: one.started_at for one in replicas(lab.engine)}
        assert started[other.id] == other.started_at
        assert started.get(first.id) != first.started_at


class Running:
    """Commands beside the service's own."""

    def test_a_command_runs_once_and_is_heard_line_by_line(self, lab: Lab) -> None:
        heard: list[tuple[datetime, str]] = []
        script = "import time; print('one', flush=True); time.sleep(2); print('token=abcdefgh')"
        done = lab.engine.run_once(
            WEB,
            ["python", "-c", script + "; raise SystemExit(3)"],
            timeout=TIME,
            say=lambda line: heard.append((datetime.now(UTC), line)),
            alive=nothing,
        )
        assert done.exit_code == 3
        assert [line for _at, line in heard] == ["one", "token=***"]
        assert heard[1][0] - heard[0][0] > timedelta(seconds=1)
        assert done.output.splitlines() == ["one", "token=***"]

    def test_a_command_that_takes_too_long_is_ended(self, lab: Lab) -> None:
        before, began = lab.engine.services(), datetime.now(UTC)
        with pytest.raises(EngineError, match="2 s"):
            self._sleep(lab, timedelta(seconds=2), nothing)
        assert datetime.now(UTC) - began < timedelta(seconds=20)
        assert len(lab.engine.services()) == len(before)

    def test_a_command_ends_when_its_caller_must(self, lab: Lab) -> None:
        def refuse() -> None:
            raise ArithmeticError("the lease is lost")

        with pytest.raises(ArithmeticError, match="lease"):
            self._sleep(lab, TIME, refuse)

    def _sleep(self, lab: Lab, timeout: timedelta, alive: Callable[[], object]) -> None:
        lab.engine.run_once(WEB, ["sleep", "600"], timeout=timeout, say=nothing, alive=alive)

    def test_a_command_runs_inside_a_replica(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        replica = replicas(lab.engine)[0]
        script = "import sys; sys.stdout.write('here '); sys.stderr.write('key '); sys.exit(4)"
        done = lab.engine.inside(replica.id, ["python", "-c", script], timeout=TIME)
        assert done.exit_code == 4
        assert sorted(done.output.split()) == ["here", "key"]

    def test_a_command_inside_has_a_limit_too(self, lab: Lab) -> None:
        wait_healthy(lab.engine)
        replica, began = replicas(lab.engine)[0], datetime.now(UTC)
        with pytest.raises(EngineError, match="1 s"):
            lab.engine.inside(replica.id, ["sleep", "600"], timeout=timedelta(seconds=1))
        assert datetime.now(UTC) - began < timedelta(seconds=15)


class Rolling:
    """One version after another."""

    def test_new_replicas_take_the_place_of_the_old_ones(self, lab: DeployingLab) -> None:
        wait_healthy(lab.engine)
        before, version, judged = ids(lab.engine), lab.good(), Judged(lab.engine)
        lab.engine.roll(WEB, version, judge=judged, alive=nothing)
        wait_healthy(lab.engine)
        assert not ids(lab.engine) & before
        digests = {one.digest for one in replicas(lab.engine)}
        assert digests == {version.images[WEB].digest}
        assert judged.times == 1
        assert judged.healthy
        assert judged.beside == lab.beside
        assert [one.state for one in service(lab.engine).replicas] == [State.RUNNING] * 2

    def test_it_keeps_the_number_of_the_moment(self, lab: DeployingLab) -> None:
        lab.engine.scale(WEB, 3)
        wait_healthy(lab.engine, 3)
        lab.engine.roll(WEB, lab.good(), judge=nothing, alive=nothing)
        wait_healthy(lab.engine, 3)
        lab.engine.scale(WEB, 2)
        wait_healthy(lab.engine)

    def test_another_replica_is_of_the_image_that_runs_wherever_its_tag_points(
        self, lab: DeployingLab
    ) -> None:
        version, later = lab.good(), lab.good()
        image, other = version.images[WEB], later.images[WEB]
        lab.engine.roll(WEB, version, judge=nothing, alive=nothing)
        wait_healthy(lab.engine)
        lab.engine.point(image.reference, other.digest)
        try:
            lab.engine.scale(WEB, 3)
            wait_healthy(lab.engine, 3)
            assert {one.digest for one in replicas(lab.engine)} == {image.digest}
            found = lab.engine.image(image.reference)
            assert found is not None
            assert found.digest == other.digest
        finally:
            lab.engine.point(image.reference, image.digest)
            lab.engine.scale(WEB, 2)
        wait_healthy(lab.engine)

    @pytest.mark.parametrize("kind", ["sick", "dying"])
    def test_a_version_that_is_never_healthy_leaves_the_old_ones_alone(
        self, lab: DeployingLab, kind: str
    ) -> None:
        wait_healthy(lab.engine)
        before, judged = ids(lab.engine), Judged(lab.engine)
        with pytest.raises(RollFailed) as caught:
            lab.engine.roll(WEB, getattr(lab, kind)(), judge=judged, alive=nothing)
        assert judged.times == 0
        assert WEB in str(caught.value)
        self._as_before(lab, before)

    def test_a_bad_verdict_brings_the_old_version_back(self, lab: DeployingLab) -> None:
        wait_healthy(lab.engine)
        digest = replicas(lab.engine)[0].digest

        def judge(new: Sequence[Replica], old: Sequence[Replica]) -> None:
            raise ArithmeticError("one in ten answers is an error")

        with pytest.raises(ArithmeticError, match="one in ten"):
            lab.engine.roll(WEB, lab.good(), judge=judge, alive=nothing)
        wait_healthy(lab.engine)
        assert {one.digest for one in replicas(lab.engine)} == {digest}

    def test_a_lost_lease_midway_brings_the_old_version_back(self, lab: DeployingLab) -> None:
        wait_healthy(lab.engine)
        before, looks = ids(lab.engine), iter(range(100))

        def alive() -> None:
            if next(looks) >= 1:
                raise ArithmeticError("the lease is lost")

        with pytest.raises(ArithmeticError, match="lease"):
            lab.engine.roll(WEB, lab.good(), judge=nothing, alive=alive)
        self._as_before(lab, before)

    def test_a_driver_whose_claim_was_taken_stops_and_removes_nothing(
        self, lab: DeployingLab
    ) -> None:
        wait_healthy(lab.engine)
        first, second, taken = lab.good(), lab.good(), list[str]()
        lab.engine.roll(WEB, first, judge=nothing, alive=nothing)
        wait_healthy(lab.engine)

        def alive() -> None:
            if taken:
                raise WrongState("another one drives")

        def judge(new: Sequence[Replica], old: Sequence[Replica]) -> None:
            taken.extend(one.id for one in (*new, *old))

        with pytest.raises(WrongState):
            lab.engine.roll(WEB, second, judge=judge, alive=alive)
        running = {one.id for one in replicas(lab.engine) if one.state is State.RUNNING}
        assert running >= {*taken}
        assert len(taken) > 1
        lab.engine.roll(WEB, first, judge=nothing, alive=nothing)
        wait_healthy(lab.engine)
        assert {one.digest for one in replicas(lab.engine)} == {first.images[WEB].digest}

    def _as_before(self, lab: DeployingLab, before: set[str]) -> None:
        wait_healthy(lab.engine)
        assert ids(lab.engine) == before
        running = [one for one in service(lab.engine).replicas if one.state is not State.STOPPED]
        assert {one.id for one in running} == before

    def test_the_same_version_again_changes_nothing(self, lab: DeployingLab) -> None:
        version = lab.good()
        lab.engine.roll(WEB, version, judge=nothing, alive=nothing)
        wait_healthy(lab.engine)
        before = ids(lab.engine)
        lab.engine.roll(WEB, version, judge=nothing, alive=nothing)
        assert ids(lab.engine) == before

    def test_the_next_roll_undoes_or_finishes_one_that_was_killed(self, lab: DeployingLab) -> None:
        first, second = lab.good(), lab.good()
        lab.engine.roll(WEB, first, judge=nothing, alive=nothing)
        wait_healthy(lab.engine)
        lab.begin(second)
        lab.engine.roll(WEB, first, judge=nothing, alive=nothing)
        wait_healthy(lab.engine)
        assert {one.digest for one in replicas(lab.engine)} == {first.images[WEB].digest}
        lab.begin(second)
        lab.engine.roll(WEB, second, judge=nothing, alive=nothing)
        wait_healthy(lab.engine)
        assert {one.digest for one in replicas(lab.engine)} == {second.images[WEB].digest}

    def test_it_says_what_would_be_recreated_and_by_which_commands(self, lab: DeployingLab) -> None:
        version = lab.good()
        lab.engine.roll(WEB, version, judge=nothing, alive=nothing)
        wait_healthy(lab.engine)
        assert WEB not in lab.engine.recreates(version)
        other = lab.good()
        assert WEB in lab.engine.recreates(other)
        commands = lab.engine.commands(other, [WEB])
        assert commands
        assert all(word for command in commands for word in command)
        assert WEB not in lab.engine.recreates(version)

    def test_a_tag_points_where_it_was_pointed(self, lab: DeployingLab) -> None:
        image = lab.good().images[WEB]
        other = image.reference.rpartition(":")[0] + ":elsewhere"
        lab.engine.point(other, image.digest)
        found = lab.engine.image(other)
        assert found is not None
        assert found.digest == image.digest
        assert lab.engine.image(image.reference + "-that-nobody-made") is None
        with pytest.raises(EngineError):
            lab.engine.point(other, "sha256:" + "0" * 64)


class Keeping:
    """What an environment has besides its replicas, and what is none of its."""

    def test_all_of_it_was_laid_out_with_secrets(self, lab: DeployingLab) -> None:
        by_name = {service.name: service for service in lab.engine.services()}
        assert {WEB, ALONE, "once", "ops", lab.unchecked} <= by_name.keys()
        once = by_name["once"]
        assert once.one_shot
        assert [(one.state, one.exit_code) for one in once.replicas] == [(State.STOPPED, 0)]
        argv = ["sh", "-c", "test -s /run/secrets/token"]
        done = lab.engine.run_once(WEB, argv, timeout=TIME, say=nothing, alive=nothing)
        assert done.exit_code == 0
        assert lab.engine.remains()

    def test_what_must_not_run_twice_is_stopped_first(self, lab: DeployingLab) -> None:
        wait_healthy(lab.engine, 1, ALONE)
        before, beside = ids(lab.engine, ALONE), list[Replica]()

        def judge(new: Sequence[Replica], old: Sequence[Replica]) -> None:
            beside.extend(one for one in old if one.state is State.RUNNING)

        version = lab.good()
        lab.engine.roll(ALONE, version, judge=judge, alive=nothing)
        wait_healthy(lab.engine, 1, ALONE)
        assert beside == []
        assert not ids(lab.engine, ALONE) & before
        with pytest.raises(RollFailed):
            lab.engine.roll(ALONE, lab.sick(), judge=nothing, alive=nothing)
        wait_healthy(lab.engine, 1, ALONE)
        digests = {one.digest for one in replicas(lab.engine, ALONE)}
        assert digests == {version.images[ALONE].digest}

    def test_a_driver_runs_by_itself_from_the_new_image(self, lab: DeployingLab) -> None:
        version, services = lab.good(), {one.name for one in lab.engine.services()}
        lab.engine.start_driver("driver-1", ["sh", "-c", "sleep 1; exit 5"], version)
        assert {one.name for one in lab.engine.services()} == services
        wait_until(lambda: lab.ended("driver-1"), SOON, "the driver has ended")
        assert lab.ended("driver-1") == (5, version.images["ops"].digest)

    def test_a_command_is_ended_whose_caller_may_be_dead(self, lab: DeployingLab) -> None:
        heard: list[str] = []
        failed: list[str] = []

        def run() -> None:
            argv = ["sh", "-c", "echo begun; exec sleep 600"]
            try:
                lab.engine.run_once(WEB, argv, timeout=2 * TIME, say=heard.append, alive=nothing)
            except EngineError as error:
                failed.append(str(error))

        caller = Thread(target=run)
        caller.start()
        wait_until(lambda: heard == ["begun"], SOON, "the command has begun")
        lab.engine.end_commands("ops")
        assert caller.is_alive()

        lab.engine.end_commands(WEB)

        caller.join(TIME.total_seconds())
        assert not caller.is_alive()
        assert failed
        wait_healthy(lab.engine)

    def test_it_prunes_its_own_images_alone(self, lab: DeployingLab) -> None:
        old, kept, other = lab.good(), lab.good(), lab.good()
        for version in (old, kept, other):
            for image in version.images.values():
                lab.engine.point(image.reference, image.digest)
        lab.keep(other.images[WEB].reference)
        strangers = lab.strangers()
        using = {one.digest for service in lab.engine.services() for one in service.replicas}

        pruned = lab.engine.prune([kept.images[WEB].digest])

        assert pruned.after <= pruned.before
        assert lab.engine.image(old.images[WEB].reference) is None
        assert lab.engine.image(kept.images[WEB].reference) is not None
        assert lab.engine.image(other.images[WEB].reference) is not None
        assert all(lab.engine.image(digest) for digest in using if digest)
        assert strangers <= lab.strangers()
        wait_healthy(lab.engine)

    def test_an_archive_brings_images(self, lab: DeployingLab, tmp_path: Path) -> None:
        archive, image = tmp_path / "images.tar", lab.good().images[WEB]
        lab.pack(image.reference, archive)
        assert lab.engine.image(image.reference) is None
        said: list[str] = []
        loaded = lab.engine.load(archive, said.append, nothing)
        assert [(one.reference, one.digest) for one in loaded] == [(image.reference, image.digest)]
        assert said
        archive.write_bytes(b"no archive")
        with pytest.raises(EngineError):
            lab.engine.load(archive, nothing, nothing)

    def test_a_registry_that_is_away_is_told(self, lab: DeployingLab) -> None:
        with pytest.raises(EngineError, match="refused"):
            lab.engine.pull("127.0.0.1:9/nothing:1", nothing, nothing)

    def test_removed_it_leaves_nothing_and_strangers_alone(self, lab: DeployingLab) -> None:
        strangers = lab.strangers()
        lab.engine.remove(nothing)
        assert all("stranger" in name for name in lab.engine.remains())
        assert not any(one.replicas for one in lab.engine.services())
        assert strangers <= lab.strangers()


class Judged:
    """A judge that lets pass, and remembers what it was shown."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.times, self.healthy, self.beside = engine, 0, True, 0

    def __call__(self, new: Sequence[Replica], old: Sequence[Replica]) -> None:
        self.times += 1
        self.healthy &= bool(new) and all(one.health is Health.HEALTHY for one in new)
        self.beside = len(old)

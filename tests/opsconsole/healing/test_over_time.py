"""Ten minutes of a service whose replicas fall ill at random, looked at every 15 seconds."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from opsconsole.engines.base import EngineAway, Health, State
from opsconsole.healing import heal as healing
from opsconsole.healing.decide import MOST, WITHIN, pause_after
from opsconsole.models import Caller, Environment, Event
from tests.opsconsole.engines.fake import Fake

pytestmark = pytest.mark.django_db
LOOK = timedelta(seconds=15)
BEAT = Caller(source="beat")
few = settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
what = st.sampled_from(["sicken"] * 4 + ["cure"] * 2 + ["stop", "start", "away", "nothing"])
turns = st.lists(st.tuples(what, st.integers(0, 3), st.booleans()), min_size=30, max_size=50)


@dataclass
class World:
    """Four replicas, of which some stay ill whatever is done; and what was done to each."""

    fake: Fake = field(default_factory=Fake)
    incurable: set[str] = field(default_factory=set)
    restarted: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.fake.scale("web", 4)
        self.fake.now += timedelta(hours=1)
        self.ids = [replica.id for replica in self.fake.services_["web"].replicas]
        self.fake.before = self._fall_ill

    def state(self, replica: str) -> State:
        return next(one.state for one in self.fake.services_["web"].replicas if one.id == replica)

    def sicken(self, replica: str, stays: bool) -> None:
        if self.state(replica) is State.RUNNING:
            self.fake.sicken(replica)
            (self.incurable.add if stays else self.incurable.discard)(replica)

    def cure(self, replica: str) -> None:
        if self.state(replica) is State.RUNNING:
            self.fake.change(replica, health=Health.HEALTHY)
            self.incurable.discard(replica)

    def stop(self, replica: str) -> None:
        self.fake.change(replica, state=State.STOPPED, health=Health.NONE)

    def start(self, replica: str) -> None:
        if self.state(replica) is State.STOPPED:
            state = {"state": State.RUNNING, "health": Health.HEALTHY}
            self.fake.change(replica, **state, started_at=self.fake.now)

    def _fall_ill(self, step: str) -> None:
        """What is incurable is ill again at each look."""
        if step == "services":
            for replica in self.incurable:
                if self.state(replica) is State.RUNNING:
                    self.fake.change(replica, health=Health.UNHEALTHY)

    def look(self, environment: Environment, *, away: bool) -> None:
        self.fake.now += LOOK
        before = {one.id: one.started_at for one in self.fake.services_["web"].replicas}
        running = {one for one in self.ids if self.state(one) is State.RUNNING}
        if away:
            self.fake.fail("services", EngineAway("away"))
        try:
            healing.heal(environment, self.fake, caller=BEAT, at=self.fake.now)
        except EngineAway:
            return
        for one in self.fake.services_["web"].replicas:
            if one.started_at != before[one.id]:
                assert one.id in running
                self.restarted[one.id].append(self.fake.now)


@few
@given(turns)
def test_it_is_patient_and_bounded_whatever_happens(
    db: None, turns: list[tuple[str, int, bool]]
) -> None:
    code = f"e{uuid4().hex[:8]}"
    environment = Environment.objects.create(
        code=code, kind="staging", engine="compose", project=code, laid_out_at=now()
    )
    world = World()
    for turn, index, stays in turns:
        replica = world.ids[index]
        if turn == "sicken":
            world.sicken(replica, stays)
        elif turn in ("cure", "stop", "start"):
            getattr(world, turn)(replica)
        world.look(environment, away=turn == "away")
    for times in world.restarted.values():
        for number, time in enumerate(times):
            recent = [before for before in times[:number] if before > time - WITHIN]
            assert len(recent) < MOST
            assert not recent or time - recent[-1] >= pause_after(len(recent))
    at_once = [time for times in world.restarted.values() for time in times]
    assert len(at_once) == len(set(at_once)), "one of four at a time"
    told = Event.objects.filter(object_id=str(environment.pk), deed="heal.restarted")
    assert told.count() == len(at_once)

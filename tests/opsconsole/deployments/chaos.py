"""Deployments in any order, with faults and deaths at any step, and what must hold meanwhile."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from unittest.mock import patch

from django.db.models import F
from django.utils.timezone import now
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from opsconsole.deployments import cancel, driver, recovery, releases, request, rollback, rollout
from opsconsole.engines.base import EngineAway, EngineError, Health
from opsconsole.models import Deployment, Environment
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Busy, Refused
from tests.opsconsole.deployments.conftest import NOBODY, without_waiting
from tests.opsconsole.engines.fake import OURS, Behaviour, Died, Fake, Migration

BEHAVIOURS = (
    *[Behaviour()] * 8,
    Behaviour(healthy=False),
    Behaviour(has_check=False),
    Behaviour(crashes=True),
    Behaviour(errors=0.2),
    Behaviour(milliseconds=900),
    Behaviour(canary=False),
    Behaviour(starts=False),
)
FATES = ("", "", "die", "away", "error", "cancel", "lapse")
"""What happens to a process at one of its steps: nothing, death, a fault, a person, slowness."""
STEPS_UNTIL = st.integers(0, 70)
ROUNDS = 8
"""How often leases run out until everything has ended: each round is one more dead driver."""
ENDED: Counter[str] = Counter()
"""How many deployments ended in each state, over all runs."""
names = count(1)


@contextmanager
def lease_over() -> Iterator[None]:
    """As if the lease of every deployment had run out."""
    with patch.object(recovery, "lease", lambda: timedelta(seconds=-5)):
        yield


class Chaos(RuleBasedStateMachine):
    """One environment. A process is a call: it ends, or dies at the step that chance has chosen."""

    @initialize(is_here=st.booleans(), replicas=st.integers(1, 3))
    def lay_out(self, is_here: bool, replicas: int) -> None:
        """An environment that runs version 1, somewhere or here."""
        self.fake = Fake()
        self.fake.scale("web", replicas)
        Environment.objects.filter(is_here=True).update(is_here=False)
        number = next(names)
        self.environment = Environment.objects.create(
            code=f"e{number}", kind="staging", engine="compose", project=f"pms-e{number}",
            overlays=["staging"], ports={"HAPROXY_PORT": 8091}, subnet_prefix="172.30",
            is_here=is_here, laid_out_at=now(),
        )  # fmt: skip
        releases.record_running(self.environment, self.fake)
        self.tags = ["1"]
        self.lived: set[int] = {self.environment.release_id or 0}
        self.fake.serve(60)
        self.outage, self.ran = "", False
        self.seen: set[int] = set()
        self.fake.before = self.look

    # What people, pipelines and processes do

    @rule(
        behaviour=st.sampled_from(BEHAVIOURS),
        migrates=st.sampled_from(["", "good", "bad"]),
        approval=st.sampled_from([False] * 5 + [True]),
        after=STEPS_UNTIL,
        fate=st.sampled_from(FATES),
        later=st.sampled_from(("later", *FATES)),
    )
    def deploy(
        self,
        behaviour: Behaviour,
        migrates: str,
        approval: bool,
        after: int,
        fate: str,
        later: str,
    ) -> None:
        """A new version is built and asked for; a worker begins, and its driver now or later."""
        self.build(behaviour, migrates)
        self.ask(lambda: request.request(
            self.environment, caller=NOBODY, version=self.tags[-1], needs_approval=approval
        ), approval)  # fmt: skip
        self.work(after, fate)
        if self.fake.drivers and later != "later":
            self.drive(after, later)

    @rule(after=STEPS_UNTIL, fate=st.sampled_from(FATES))
    def go_back(self, after: int, fate: str) -> None:
        """To what ran before."""
        self.environment.refresh_from_db()
        with suppress(Refused):
            self.ask(lambda: rollback.rollback(self.environment, caller=NOBODY))
        self.work(after, fate)

    def ask(self, asking: Callable[[], object], approval: bool = False) -> None:
        """Of two at once the second is refused; what hinders it is then taken over.

        One that nobody has approved hinders no request that needs no approval.
        """
        waits = self.environment.deployments.unapproved().exists() and not approval
        busy = self.under_way() is not None and not waits
        try:
            asking()
            assert not busy
        except Busy:
            assert busy
            self.sweep(False, 0, "")

    @rule(after=STEPS_UNTIL, fate=st.sampled_from(FATES))
    def approve(self, after: int, fate: str) -> None:
        """Whatever waits for it."""
        if deployment := self.under_way():
            with suppress(Refused):
                request.approve(deployment, caller=NOBODY)
            self.work(after, fate)

    @rule()
    def cancel(self) -> None:
        """Whatever is under way."""
        if deployment := self.under_way():
            with suppress(Refused):
                cancel.cancel(deployment, caller=NOBODY)

    @precondition(lambda self: self.fake.drivers)
    @rule(after=STEPS_UNTIL, fate=st.sampled_from(FATES))
    def drive(self, after: int, fate: str) -> None:
        """A driver that was started begins, perhaps long after."""
        name, argv, _version = self.fake.drivers.pop(0)
        deployment = Deployment.objects.get(uid=argv[4])
        self.process(
            lambda: driver.take_over(deployment, self.fake, name, **self.how()), after, fate
        )

    @rule(broken=st.booleans(), after=STEPS_UNTIL, fate=st.sampled_from(FATES))
    def sweep(self, broken: bool, after: int, fate: str) -> None:
        """Leases run out, or a person breaks one, and an operations worker takes over."""
        self.lapse()
        deployment = self.under_way()
        if deployment and broken:
            with suppress(Refused):
                recovery.break_lock(deployment, caller=NOBODY, reason="it hangs")
        for left in recovery.stalled():
            if left.environment_id == self.environment.pk:
                self.process(partial(recovery.recover, left, self.fake, **self.how()), after, fate)

    def build(self, behaviour: Behaviour, migrates: str) -> None:
        """A new version; here, where a real backup would be made, without migrations."""
        tag = str(len(self.tags) + 1)
        if migrates and not self.environment.is_here:
            more = tuple(Migration(f"{n:04}_more") for n in range(2, len(self.tags) + 3))
            behaviour = replace(behaviour, migrations=more, migrates=migrates == "good")
        self.fake.build(tag, behaviour)
        self.tags.append(tag)

    def work(self, after: int, fate: str) -> None:
        """A worker takes up what waits."""
        if waiting := self.environment.deployments.waiting().first():
            self.process(lambda: driver.start(waiting, self.fake, **self.how()), after, fate)

    # What must hold

    @invariant()
    def there_is_no_outage(self) -> None:
        """Not at a single step was there no healthy web replica."""
        assert not getattr(self, "outage", "")

    @invariant()
    def what_is_live_is_healthy(self) -> None:
        """And what did not become live runs a release that did."""
        if not getattr(self, "ran", False):
            return
        self.ran = False
        self.fake.before = lambda step: None
        under_way = self.under_way()
        ended = self.environment.deployments.filter(status__in=Deployment.ENDS)
        for deployment in ended.exclude(pk__in=self.seen):
            self.tally(deployment)
        if under_way is None or under_way.status == Deployment.WAITING:
            self.runs_a_release_that_ran()
        self.fake.before = self.look

    def runs_a_release_that_ran(self) -> None:
        self.environment.refresh_from_db()
        release = self.environment.release
        assert release is not None
        assert release.pk in self.lived
        assert rollout.unhealthy(self.fake.services(), release) == ""
        assert all(
            len(self.fake.running(name)) == self.fake.services_[name].wanted for name in OURS
        )

    def tally(self, deployment: Deployment) -> None:
        """Look at a deployment that has ended, once."""
        self.seen.add(deployment.pk)
        ENDED[deployment.status] += 1
        assert "going back failed" not in deployment.reason, deployment.reason
        assert "unexpected" not in deployment.reason, deployment.reason
        assert deployment.claimed_at is None
        if deployment.status == Deployment.Status.LIVE:
            assert deployment.verdict["ok"]
            self.lived.add(deployment.to_release_id or 0)
        else:
            assert deployment.reason

    def teardown(self) -> None:
        """No lock is left for longer than its lease: in a few rounds everything has ended."""
        if not hasattr(self, "fake"):
            return
        self.approve(0, "")
        for _round in range(ROUNDS):
            if self.under_way() is None:
                break
            while self.fake.drivers:
                self.drive(0, "")
            self.sweep(False, 0, "")
        assert self.under_way() is None
        self.ran = True
        self.what_is_live_is_healthy()
        self.there_is_no_outage()

    # How

    def how(self) -> dict[str, Any]:
        return without_waiting(self.fake, rate=30)

    def under_way(self) -> Deployment | None:
        return self.environment.deployments.unfinished().first()

    def lapse(self) -> None:
        """As if nothing had been heard for longer than the lease."""
        late = driver.lease() + timedelta(seconds=5)
        Deployment.objects.filter(environment=self.environment).update(
            claimed_at=F("claimed_at") - late
        )

    def process(self, story: Callable[[], None], after: int, fate: str) -> None:
        """A process to which `fate` happens after so many steps of the engine."""
        self.ran = True
        steps = count()

        def before(step: str) -> None:
            self.look(step)
            if next(steps) == after and fate:
                self.strike(fate)

        self.fake.before = before
        # EngineError: of a recovery that does not even see what runs.
        with suppress(Died, WrongState, EngineError):
            story()
        self.fake.before = self.look

    def strike(self, fate: str) -> None:
        """Faults are raised where the step is; a cancel and a lapse come from outside."""
        if fate == "die":
            raise Died
        if fate == "away":
            raise EngineAway("the engine does not answer")
        if fate == "error":
            raise EngineError("the engine refuses")
        if fate == "cancel":
            self.cancel()
        if fate == "lapse":
            self.taken_over()

    def taken_over(self) -> None:
        """The process is slow: its lease runs out, and another one takes over, to the end.

        Its row stays as it has written it: only the other one's claim can tell it.
        """
        before, self.fake.before = self.fake.before, self.look
        if deployment := self.under_way():
            with lease_over(), suppress(WrongState, EngineError):
                recovery.recover(deployment, self.fake, **self.how())
        self.fake.before = before

    def look(self, step: str) -> None:
        """At every step of the engine somebody can answer requests."""
        web = self.fake.running("web")
        if not any(replica.health is Health.HEALTHY for replica in web):
            self.outage = f"no web replica is healthy at: {step}"

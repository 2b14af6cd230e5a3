"""What the engine in memory has beyond the contract: faults, deaths and requests."""

from collections.abc import Sequence

import pytest

from opsconsole.engines.base import Engine, EngineAway, Replica, RollFailed, Version
from tests.opsconsole.engines.fake import OURS, Behaviour, Died, Fake, reference


def version_of(fake: Fake, tag: str) -> Version:
    return Version(tag, {name: fake.images[reference(OURS[name], tag)] for name in OURS})


def fine(new: Sequence[Replica], old: Sequence[Replica]) -> None:
    """A judge that has nothing against them."""


def test_it_is_an_engine() -> None:
    engine: Engine = Fake()
    assert {service.name for service in engine.services()} >= {"web", "ops", "postgres"}


def test_a_roll_that_is_killed_leaves_both_and_the_next_one_tidies_up() -> None:
    fake = Fake()
    fake.build("2")
    fake.scale("web", 2)
    before = fake.digests("web")
    fake.fail("roll: stopping an old one", Died())
    with pytest.raises(Died):
        fake.roll("web", version_of(fake, "2"), judge=fine, alive=lambda: None)
    assert len(fake.running("web")) == 4
    fake.roll("web", version_of(fake, "1"), judge=fine, alive=lambda: None)
    assert fake.digests("web") == before
    assert len(fake.running("web")) == 2


def test_a_version_that_is_never_healthy_leaves_the_old_ones() -> None:
    fake = Fake()
    fake.build("2", Behaviour(healthy=False))
    before = fake.running("web")
    with pytest.raises(RollFailed):
        fake.roll("web", version_of(fake, "2"), judge=fine, alive=lambda: None)
    assert fake.running("web") == before


def test_a_fault_is_raised_once_at_the_call_that_it_was_meant_for() -> None:
    fake = Fake()
    fake.fail("services", EngineAway("away"))
    with pytest.raises(EngineAway):
        fake.services()
    assert fake.services()


def test_it_answers_requests_as_badly_as_its_image_does() -> None:
    fake = Fake("1", Behaviour(errors=0.1))
    assert fake.serve(100) == 10
    haproxy = fake.running("haproxy")[0].id
    _started, *requests = fake.logs(haproxy, tail=500)
    assert len(requests) == 100

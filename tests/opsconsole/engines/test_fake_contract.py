"""The contract of engines, kept by the engine in memory, as far as it knows it."""

from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest

from opsconsole.engines.base import Version
from tests.opsconsole.engines import contract
from tests.opsconsole.engines.fake import OURS, Behaviour, Died, Fake, reference


class FakeLab:
    """Two replicas of web; versions are built as they are asked for."""

    unchecked = "cache"
    beside = 2

    def __init__(self) -> None:
        self.engine = Fake()
        self.numbers = count(2)
        self.engine.before = lambda step: self._tick()
        self.engine.scale(contract.WEB, 2)

    def _tick(self) -> None:
        self.engine.now += timedelta(seconds=1)

    def version(self, behaviour: Behaviour) -> Version:
        """One that lies on the engine."""
        tag = str(next(self.numbers))
        self.engine.build(tag, behaviour)
        return Version(tag, {name: self.engine.images[reference(OURS[name], tag)] for name in OURS})

    def good(self) -> Version:
        return self.version(Behaviour())

    def sick(self) -> Version:
        return self.version(Behaviour(healthy=False))

    def dying(self) -> Version:
        return self.version(Behaviour(healthy=False))

    def begin(self, version: Version) -> None:
        """Die at the first old one that is stopped: new and old ones are beside each other."""
        self.engine.fail("roll: stopping an old one", Died())
        with suppress(Died):
            self.engine.roll(contract.WEB, version, judge=contract.nothing, alive=contract.nothing)


@pytest.fixture(scope="module")
def lab() -> FakeLab:
    return FakeLab()


class TestOperating(contract.Operating):
    """The contract's."""


class TestRolling(contract.Rolling):
    """The contract's."""

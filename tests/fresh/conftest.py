"""One new installation for all tests of this folder that use one through its pages and commands."""

from collections.abc import Iterator

import pytest

from tests.fresh.installed import Installation, installed


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """`make run` in a new folder, as it is after its first start."""
    with installed() as made:
        yield made

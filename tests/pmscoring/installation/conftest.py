"""The installation that the tests of this folder share.

Each stops and starts parts of it, so all run in the same worker: tests/distribution.py sees to it.
"""

from collections.abc import Iterator

import pytest

from tests.conftest import LOGS
from tests.installation import Installation, installed


@pytest.fixture(scope="session")
def installation(
    weights: object, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A real installation, with its web server running."""
    folder = tmp_path_factory.mktemp("installation")
    pytestconfig.stash[LOGS]["installation"] = folder
    with installed(folder) as installation:
        installation.start("web")
        yield installation

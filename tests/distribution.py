"""A pytest plugin: which tests run in the same worker of `pytest -n … --dist loadfile`.

A module's tests stay together, so that its fixtures are made once. So do those of a folder that
shares a server of its own: each test stops and starts parts of it, which no other worker may see.
Such a folder comes first: its tests wait for the most part, while the other workers compute.
"""

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARING = ("tests/pmscoring/installation/",)
"""Folders whose tests share a server."""
MOST_WORKERS = 4
"""Each may load the encoder and start a service: as many as a machine of 16 GB bears."""


class ByFolderOrModule(LoadScopeScheduling):
    """Hands a worker one scope after the other, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def scope(nodeid: str) -> str:
    """The folder or module whose tests all run in the same worker."""
    module = nodeid.partition("::")[0]
    return next((folder for folder in SHARING if module.startswith(folder)), module)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the folders that share a server first where workers share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: scope(item.nodeid) not in SHARING)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    """Ours for `--dist loadfile`, xdist's own for everything else."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return ByFolderOrModule(config, log)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`: a worker for each core, and one more beside the one that mostly waits."""
    return min((os.cpu_count() or 1) + 1, MOST_WORKERS)

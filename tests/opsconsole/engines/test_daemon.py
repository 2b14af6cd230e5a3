"""What is said of an engine that does not answer in time, and who waits longer for one."""

import pytest

from opsconsole.engines import daemon
from opsconsole.engines.base import EngineAway
from tests.opsconsole.engines.sockets import silent_tcp


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "0.2 s"), (0.5, "0.5 s")])
def test_it_names_the_limit_that_was_waited_for(seconds: float, words: str) -> None:
    with silent_tcp() as port, pytest.raises(EngineAway, match=words):
        daemon.Daemon(f"tcp://127.0.0.1:{port}", seconds).api.ping()


def test_it_names_that_of_a_deed() -> None:
    with silent_tcp() as port, pytest.raises(EngineAway, match=r"0\.3 s"):
        daemon.Daemon(f"tcp://127.0.0.1:{port}")._client(0.3)

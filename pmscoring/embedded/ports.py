"""The TCP ports of the parts: configured ones, or free ones of 127.0.0.1."""

import socket
from collections.abc import Mapping
from contextlib import ExitStack, suppress

from pmscoring.base import env
from pmscoring.embedded.errors import CannotStart


def chosen_ports(preferred: Mapping[str, int]) -> dict[str, int]:
    """A port for each name, all different; raises CannotStart.

    `PMS_<NAME>_PORT` is taken as it is and must be free. Without it the preferred port is taken
    when it is free (0: none is preferred), and else any free one.
    """
    with ExitStack() as held:
        return {name: _port(name, first, held) for name, first in preferred.items()}


def _port(name: str, preferred: int, held: ExitStack) -> int:
    variable = f"PMS_{name.upper()}_PORT"
    if port := env.integer(variable, 0):
        try:
            return _hold(port, held)
        except (OSError, OverflowError) as error:
            raise CannotStart(f"{variable}={port}: {error}") from error
    if preferred:
        with suppress(OSError):
            return _hold(preferred, held)
    return _hold(0, held)


def _hold(port: int, held: ExitStack) -> int:
    """Bind the port until all are chosen, so that none is chosen twice."""
    probe = held.enter_context(socket.socket())
    if port:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", port))
    bound: int = probe.getsockname()[1]
    return bound

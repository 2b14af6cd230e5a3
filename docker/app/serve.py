"""Starts gunicorn on this container's address in one network alone, and on the loopback.

    python serve.py [NETWORK] [gunicorn's options]

The web containers stand in several networks and are called in one of them. What listens on every
address could be called from all. Prometheus calls it by that address, so it is an allowed host.
"""

import ipaddress
import os
import socket
import sys

from pmscoring.base import env

PORT = 8000


def address_in(network: str) -> str:
    """This machine's address there, by the routing table; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((str(ipaddress.ip_network(network)[1]), 9))
        return str(probe.getsockname()[0])


def allow(hosts: list[str]) -> None:
    """Let Django answer under these names too, where it is told of any.

    Prometheus finds each container by its address and calls it so; health checks say localhost.
    """
    if told := env.text("ALLOWED_HOSTS", ""):
        os.environ["ALLOWED_HOSTS"] = ",".join([told, *hosts])


def main() -> None:
    """Become gunicorn."""
    options = sys.argv[1:]
    hosts = ["0.0.0.0"]  # noqa: S104
    if options and not options[0].startswith("-"):
        hosts = [address_in(options.pop(0)), "127.0.0.1"]
        os.environ["ALLOWED_HOSTS"] = f"{os.environ.get('ALLOWED_HOSTS', '')},{hosts[0]}"
        allow([*hosts, "localhost"])
    binds = [f"--bind={host}:{PORT}" for host in hosts]
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:pmscoring.gunicorn", *binds, *options]
    os.execv(sys.executable, argv)  # noqa: S606


if __name__ == "__main__":
    main()

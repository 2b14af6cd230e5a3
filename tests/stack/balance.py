"""HAProxy's own account of the web containers behind it, from its statistics page."""

import csv
from dataclasses import dataclass

import httpx

from tests.stack.stack import Stack


@dataclass(frozen=True)
class Server:
    """One web container, as HAProxy sees it."""

    name: str
    is_up: bool
    answered: int
    """Requests of callers that it answered with a success; health checks do not count."""


def statistics(stack: Stack, password: str) -> httpx.Response:
    """The page as a table, asked for with a password."""
    url = f"http://127.0.0.1:{stack.ports['HAPROXY_STATS']}/;csv"
    return httpx.get(url, auth=("admin", password), timeout=10, trust_env=False)


def servers(stack: Stack) -> dict[str, Server]:
    """By name, those that were found by DNS."""
    text = statistics(stack, stack.secret("haproxy_password")).text.removeprefix("# ")
    return {
        row["svname"]: Server(row["svname"], row["status"] == "UP", int(row["hrsp_2xx"] or 0))
        for row in csv.DictReader(text.splitlines())
        if row["pxname"] == "web" and row["svname"].startswith("web") and row["addr"]
    }


def up(stack: Stack) -> set[str]:
    """Names of those that take requests."""
    return {server.name for server in servers(stack).values() if server.is_up}


def answered_since(stack: Stack, before: dict[str, Server]) -> dict[str, int]:
    """How many requests each answered meanwhile."""
    counts = {
        name: server.answered - (before[name].answered if name in before else 0)
        for name, server in servers(stack).items()
    }
    return {name: count for name, count in counts.items() if count}

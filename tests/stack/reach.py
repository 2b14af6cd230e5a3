"""Who reaches whom: the table of compose/networks.yaml, and what is found by trying."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.stack.engine import docker
from tests.stack.stack import COMPOSE, Container, Stack

PROBE = Path(__file__).with_name("probe.py").read_text("utf-8")
Pair = tuple[str, str, int]
"""Caller, server, port."""
Place = tuple[str, int]
"""Address, port."""


@dataclass
class Table:
    """What networks.yaml, and the overlays' files like it, allow."""

    ports: dict[str, list[int]] = field(default_factory=dict)
    needed: set[Pair] = field(default_factory=set)
    harmless: set[Pair] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)

    def add(self, told: Mapping[str, Any]) -> None:
        """One file more."""
        self.ports |= told["ports"]
        for caller, servers in told["reaches"].items():
            for server, ports in servers.items():
                self.needed |= {(caller, server, port) for port in ports}
        for entry in told["harmless"]:
            self.harmless |= set(self._of(entry))
        self.outside |= set(told["outside"])

    def _of(self, entry: Mapping[str, Any]) -> Iterator[Pair]:
        for caller in _listed(entry["from"]):
            for server in _listed(entry["to"]):
                if caller != server:
                    for port in entry.get("ports", self.ports.get(server, [])):
                        yield caller, server, port


def _listed(told: str | list[str]) -> list[str]:
    return [told] if isinstance(told, str) else told


def table(*names: str) -> Table:
    """The table of these files."""
    made = Table()
    for name in names:
        made.add(yaml.safe_load((COMPOSE / f"{name}.yaml").read_text("utf-8")))
    return made


@dataclass(frozen=True)
class Look:
    """What one container found."""

    reached: set[Pair]
    tried: int
    listening: set[int]
    calls_outside: bool


def look(
    stack: Stack,
    caller: Container,
    servers: Iterable[Container],
    ports: Table,
    outside: Sequence[Place],
) -> Look:
    """Try, from within the caller's network, each port at each address of each other service."""
    targets = [
        (server.service, address, port)
        for server in servers
        if server.service != caller.service
        for address in server.addresses.values()
        for port in ports.ports.get(server.service, [])
    ]
    places = [(where, port) for _, where, port in targets]
    told = probe(stack, f"container:{caller.id}", [*places, *outside])
    reached = {
        (caller.service, server, port)
        for (server, _, port), answered in zip(targets, told["answered"], strict=False)
        if answered
    }
    calls_outside = any(told["answered"][len(targets) :])
    return Look(reached, len(targets), set(told["listening"]), calls_outside)


def probe(stack: Stack, network: str, targets: Sequence[Place]) -> dict[str, Any]:
    """What probe.py finds in a network; a container of its own, for some images have no tool."""
    confined = ["--rm", "-i", "--cap-drop=ALL", "--user=1000:1000", "--read-only"]
    words = [*confined, f"--network={network}", "--entrypoint=python", stack.app, "-"]
    told: dict[str, Any] = json.loads(docker("run", *words, json.dumps(targets), stdin=PROBE))
    return told

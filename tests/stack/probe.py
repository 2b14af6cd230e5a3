"""Runs inside a container's network: which of the given addresses answer, and what listens.

Standard input: JSON, a list of [address, port]. Standard output: JSON, `{answered, listening}`.
It is sent to `python -` as it is, and so imports nothing of ours.
"""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PATIENCE = 2.0
LISTENING = "0A"
LOOPBACK = "0100007F"
ENGINES_RESOLVER = "0B00007F"


def answers(target: tuple[str, int]) -> bool:
    """Whether a connection is taken."""
    try:
        with socket.create_connection(target, PATIENCE):
            return True
    except OSError:
        return False


def listening() -> list[int]:
    """Ports on which something listens for others than this container itself."""
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            local, state = line.split()[1], line.split()[3]
            address, port = local.split(":")
            own = address in (LOOPBACK, ENGINES_RESOLVER) or address.endswith("01000000")
            if state == LISTENING and not own:
                found.add(int(port, 16))
    return sorted(found)


def main(targets: list[tuple[str, int]]) -> None:
    """Try all at once."""
    with ThreadPoolExecutor(max(len(targets), 1)) as pool:
        answered = list(pool.map(answers, targets))
    json.dump({"answered": answered, "listening": listening()}, sys.stdout)


main([(address, port) for address, port in json.loads(sys.argv[1])])

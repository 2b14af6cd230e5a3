"""`make bench-attackers`: how soon a site answers others while callers attack it.

The site is an installation of its own: PostgreSQL and Valkey, the web server with its defaults, and
what an attack needs besides. Each attack runs alone, then those of `senders` together, then an
exam is scored beside the texts of `poisoned`, and last one beside everything at once.
"""

import argparse
import itertools
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.attackers import poisoned, senders
from tests.bench.attackers.watching import Watch, resident
from tests.bench.report import write
from tests.installation import Installation, installed

Attack = Callable[[str], AbstractContextManager[Any]]
MIB = 1024 * 1024
CALLERS = 16
HOLD_SECONDS = 10.0
SCRIPT = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
COOKIE = "csrftoken=" + "a" * 32
"""Anybody may invent one; without it the body is not even looked at."""
HOLDING: dict[str, Attack] = {
    "nobody": lambda _address: ExitStack(),
    "16 half-sent heads": partial(senders.half_heads, count=CALLERS),
    "16 half-sent bodies": partial(senders.half_bodies, count=CALLERS),
    "16 half-sent bodies of 100 MiB": partial(senders.half_bodies, count=CALLERS, length=100 * MIB),
    "16 half-sent chunks": partial(senders.half_chunks, count=CALLERS),
    "16 unread responses": partial(senders.unread_answers, count=CALLERS, path=SCRIPT),
    "16 connections left open": partial(senders.unclosed, count=CALLERS),
}
multipart = partial(
    senders.send, content_type=senders.MULTIPART, start=senders.FILE_PART, Cookie=COOKIE
)
LARGE: dict[str, Callable[[str], tuple[int, int]]] = {
    "190 MiB form": lambda a: senders.send(a, "/admin/login/", 190 * MIB, Cookie=COOKIE),
    "600 MiB file": lambda a: multipart(a, "/admin/login/", 600 * MIB),
    "600 MiB file in chunks": lambda a: multipart(a, "/admin/login/", 600 * MIB, chunked=True),
    "600 MiB file to the API": lambda a: multipart(a, "/api/v1/uploads?exam=X", 600 * MIB),
}


def main() -> None:
    """Attack, print a line for each attack, and write var/bench/attackers.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hold", type=float, default=HOLD_SECONDS, help="seconds of each attack")
    parser.add_argument(
        "--answers", type=int, default=poisoned.ANSWERS, help="of the exam beside poisoned texts"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder)) as site:
        site.manage("collectstatic", "--noinput", "--verbosity", "0")
        site.start("web")
        rows = [
            *_senders(site, options.hold),
            *poisoned.rows(site, options.answers),
            _everything(site, options.answers),
        ]
    print(f"written to {write('attackers', rows)}")


def _senders(site: Installation, seconds: float) -> list[dict[str, Any]]:
    address = f"http://{site.environment['WEB_BIND']}"
    deeds: dict[str, Callable[[], object]] = {
        **{name: partial(_hold, attack, address, seconds) for name, attack in HOLDING.items()},
        **{name: partial(attack, address) for name, attack in LARGE.items()},
        "all of it": partial(_together, address),
    }
    return [_watched(site, name, deed) for name, deed in deeds.items()]


def _hold(attack: Attack, address: str, seconds: float) -> None:
    with attack(address):
        time.sleep(seconds)


def _together(address: str) -> list[tuple[int, int]]:
    with ExitStack() as stack:
        for attack in HOLDING.values():
            stack.enter_context(attack(address))
        return [attack(address) for attack in LARGE.values()]


def _everything(site: Installation, count: int) -> dict[str, Any]:
    """How soon others are answered and scored beside slow senders, large bodies and slow texts."""
    address = f"http://{site.environment['WEB_BIND']}"
    pids = {name: site.parts[name].pid for name in ("web", "inference", "workers")}
    usual = poisoned.seconds(site, "QUIET", count)
    before = {name: resident(pid) for name, pid in pids.items()}
    ended = threading.Event()
    large = threading.Thread(target=_again_and_again, args=(address, ended))
    with ExitStack() as stack:
        for attack in HOLDING.values():
            stack.enter_context(attack(address))
        watch = stack.enter_context(Watch(address))
        large.start()
        poisoned.hand_in(site, "POISON-X", poisoned.STORED, stored=True)
        beside = poisoned.seconds(site, "BESIDE-X", count)
        ended.set()
        large.join()
    time.sleep(1)
    row = {
        "attack": "everything at once",
        "answers": count,
        "usual_seconds": round(usual, 2),
        "seconds": round(beside, 2),
        "ratio": round(beside / usual, 2),
        "worst_seconds": round(watch.worst, 2),
        "kept_mib": {
            name: round((resident(pid) - before[name]) / MIB, 1) for name, pid in pids.items()
        },
    }
    print(row, flush=True)
    return row


def _again_and_again(address: str, ended: threading.Event) -> None:
    """A large body each second: to send without a pause takes the processor that scores."""
    for attack in itertools.cycle(LARGE.values()):
        attack(address)
        if ended.wait(1):
            return


def _watched(site: Installation, name: str, deed: Callable[[], object]) -> dict[str, Any]:
    """What others noticed of the attack, and what it took from the web server for good."""
    pid = site.parts["web"].pid
    before = resident(pid)
    with Watch(f"http://{site.environment['WEB_BIND']}") as watch:
        outcome = deed()
    time.sleep(1)
    row = {
        "attack": name,
        "worst_seconds": round(watch.worst, 2),
        "asked": len(watch.seconds) - 1,
        "kept_mib": round((resident(pid) - before) / MIB, 1),
        "outcome": outcome,
    }
    print(
        f"{name:34} /health/live within {row['worst_seconds']:5.2f} s,"
        f" {row['kept_mib']:6.1f} MiB kept  {outcome or ''}",
        flush=True,
    )
    return row


if __name__ == "__main__":
    main()

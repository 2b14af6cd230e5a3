"""A caller of its own process: so many requests a second, and a line for each answer.

python -m tests.drills.calling URL RATE LOG, with a token of the API on standard input. A request is
sent when its time has come, whatever became of those before it, as callers do that know nothing of
each other; but of calls that score one at most is under way, so that a machine that scores slowly
has as many requests as a fast one. A line of LOG is JSON: {at, kind, ms, fault}; `fault` is empty
where the answer was as it should be. SIGTERM ends it when all requests under way have their
answers.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TextIO

import httpx

PATIENCE = 30.0
"""Seconds after which a caller gives up, which is a fault too."""
TEXT = {"text": "要件を早く合意し、週次でリスクを見直す", "exam": "PM-2026", "question": "Q1"}
Call = tuple[str, str, dict[str, Any] | None]
CALLS: tuple[Call, ...] = (
    ("GET", "/health/ready", None),
    ("GET", "/api/v1/exams", None),
    ("GET", "/admin/login/", None),
    ("GET", "/api/v1/exams/PM-2026", None),
    ("GET", "/health/ready", None),
    ("GET", "/api/v1/exams", None),
    ("GET", "/admin/login/", None),
    ("GET", "/api/v1/exams/PM-2026", None),
    ("GET", "/api/v1/exams", None),
    ("POST", "/api/v1/score", TEXT),
)
"""Each is as frequent as it stands here."""
SCORING, INSTEAD = CALLS[-1], CALLS[0]


@dataclass(frozen=True)
class Answer:
    """What became of a request; `at` is the time at which it was sent, in seconds since 1970."""

    at: float
    kind: str
    ms: float
    fault: str = ""


async def ask(client: httpx.AsyncClient, call: Call) -> Answer:
    """Send one request."""
    method, path, body = call
    at, began = time.time(), time.monotonic()
    try:
        response = await client.request(method, path, json=body)
        is_good = response.status_code == 200
        fault = "" if is_good else f"{response.status_code} {response.text[:100]}"
    except httpx.HTTPError as error:
        fault = repr(error)
    return Answer(at, f"{method} {path}", (time.monotonic() - began) * 1000, fault)


async def call_on(url: str, token: str, rate: float, log: TextIO) -> None:
    """Until SIGTERM."""
    over, under_way, scoring = asyncio.Event(), set[asyncio.Task[None]](), asyncio.Lock()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    headers = {"Authorization": f"Bearer {token}"}
    options: dict[str, Any] = {"headers": headers, "timeout": PATIENCE, "trust_env": False}
    # A site of the tests has a certificate of its own.
    options["verify"] = not url.startswith("https:")
    async with httpx.AsyncClient(base_url=url, limits=httpx.Limits(), **options) as client:

        async def one(call: Call) -> None:
            if call is SCORING and scoring.locked():
                call = INSTEAD
            async with scoring if call is SCORING else nullcontext():
                answer = await ask(client, call)
            log.write(json.dumps(asdict(answer), ensure_ascii=False) + "\n")
            log.flush()

        due = time.monotonic()
        for call in cycle(CALLS):
            if over.is_set():
                break
            task = asyncio.create_task(one(call))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += 1 / rate
            # Never for no time at all: one who is late would not hear that it is over.
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), max(due - time.monotonic(), 0.001))
        await asyncio.gather(*under_way)


def answers(log: Path, since: int = 0) -> Iterator[Answer]:
    """Those that the log has by now, after the first so many."""
    with log.open(encoding="utf-8") as lines:
        for line in islice(lines, since, None):
            if line.endswith("\n"):
                yield Answer(**json.loads(line))


if __name__ == "__main__":
    with Path(sys.argv[3]).open("a", encoding="utf-8") as opened:
        asyncio.run(call_on(sys.argv[1], sys.stdin.readline().strip(), float(sys.argv[2]), opened))

"""Wall time and peak memory of a process and all that it starts."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MEBI = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """`seconds` of wall time; `mebibytes` of the process that took most memory."""

    seconds: float
    mebibytes: float


def cost_of(argv: Sequence[str], log: Path, *, timed_by_itself: bool = False) -> Cost:
    """Run the command to its end; raises RuntimeError with its last words where it fails.

    A command that is `timed_by_itself` prints its seconds as its last line.
    """
    with log.open("w+b") as output:
        began = time.perf_counter()
        process = subprocess.Popen(argv, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{argv[0]}: {said[-2000:]}")
    if timed_by_itself:
        seconds = float(said.split()[-1])
    return Cost(seconds, usage.ru_maxrss * 1024 / MEBI)

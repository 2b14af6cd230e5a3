"""The memory of this machine; in a container too, for the kernel tells the whole machine's."""

import re
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)


def available() -> int | None:
    """Bytes that programs could be given without swapping; None where the kernel does not say."""
    try:
        match = AVAILABLE.search(MEMINFO.read_text("ascii"))
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None

"""Where figures go: var/bench/{name}.json, a list of rows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.paths import ROOT


def write(name: str, rows: Sequence[dict[str, Any]]) -> Path:
    """Write the rows and return the file."""
    path = ROOT / "var" / "bench" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path

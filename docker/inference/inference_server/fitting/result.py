"""What a fit reports while it runs, and what comes of it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Say = Callable[[str, float], None]
"""Called with the stage and the fraction in [0, 1] that is done; may raise to stop the fit."""


def part_of(say: Say, start: float, end: float) -> Say:
    """A `say` for a part of the work that goes from `start` to `end` of the whole."""
    return lambda stage, fraction: say(stage, start + (end - start) * fraction)


@dataclass(frozen=True)
class FitResult:
    """A calibration's artefact, the SHA-256 that names it, and how well it agrees with people."""

    sha256: str
    artefact: bytes
    metrics: dict[str, Any]

    def as_line(self) -> dict[str, Any]:
        """The last line of the stream."""
        content = base64.b64encode(self.artefact).decode()
        return {"sha256": self.sha256, "metrics": self.metrics, "artefact_base64": content}

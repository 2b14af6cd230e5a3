"""The service's settings, from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from pmscoring.base import env, rotating


@dataclass(frozen=True)
class Config:
    """What docs/configuration.md says of each variable.

    `max_body`, `max_calibration` and `kept_calibrations` are bytes; `queue_answers` counts the
    sequences that may wait, which are answers or windows of them.
    """

    token: str
    model: Path
    device: str
    precision: str
    threads: int
    pack_tokens: int
    queue_answers: int
    max_answers: int
    max_tokens: int
    max_body: int
    max_examples: int = 4000
    max_calibration: int = 64 * 1024 * 1024
    kept_calibrations: int = 256 * 1024 * 1024
    calibration_threads: int = 2
    token_file: Path | None = None
    """Each of its lines is a good token; read anew at each call, for it may be rotated."""

    def tokens(self) -> list[str]:
        """The tokens that are good now."""
        return (rotating.lines_of(self.token_file) if self.token_file else []) or [self.token]

    @classmethod
    def from_environment(cls) -> "Config":
        """The settings of the environment; raise env.BadSetting with the variable's name."""
        return cls(
            token=env.text("INFERENCE_TOKEN"),
            model=Path(env.text("SCORING_MODEL", "var/models/e5-small")),
            device=env.text("INFERENCE_DEVICE", "auto"),
            precision=env.choice("INFERENCE_PRECISION", "auto", ("auto", "int8", "fp32", "bf16")),
            threads=env.integer("INFERENCE_THREADS", os.cpu_count() or 1),
            pack_tokens=env.integer("INFERENCE_PACK_TOKENS", 512),
            queue_answers=env.integer("INFERENCE_QUEUE_ANSWERS", 4096),
            max_answers=env.integer("INFERENCE_MAX_ANSWERS", 1024),
            max_tokens=env.integer("INFERENCE_MAX_TOKENS", 262_144),
            max_body=env.integer("INFERENCE_MAX_BODY", 16 * 1024 * 1024),
            max_examples=env.integer("INFERENCE_MAX_EXAMPLES", 4000),
            max_calibration=env.integer("INFERENCE_MAX_CALIBRATION", 64 * 1024 * 1024),
            kept_calibrations=env.integer("INFERENCE_KEPT_CALIBRATIONS", 256 * 1024 * 1024),
            calibration_threads=env.integer("INFERENCE_CALIBRATION_THREADS", 2),
            token_file=rotating.file_of("INFERENCE_TOKEN"),
        )

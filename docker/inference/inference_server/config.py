"""The service's settings, all from the environment; a bad one is named at start-up."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pmscoring import env

PRECISIONS = ("auto", "int8", "fp32", "bf16")


@dataclass(frozen=True)
class Config:
    """What the service runs with; sizes are tokens, bytes and counts as their names say."""

    token: str
    model: Path
    precision: str
    device: str
    threads: int
    token_budget: int
    queue_tokens: int
    max_answers: int
    max_body: int
    host: str
    port: int
    log_level: str

    @classmethod
    def from_environment(cls) -> Self:
        """Read every INFERENCE_ variable and SCORING_MODEL; raise env.BadSetting."""
        config = cls(
            token=env.text("INFERENCE_TOKEN"),
            model=Path(env.text("SCORING_MODEL", "var/models/e5-small")),
            precision=env.choice("INFERENCE_PRECISION", "auto", PRECISIONS),
            device=env.text("INFERENCE_DEVICE", "auto"),
            threads=env.integer("INFERENCE_THREADS", len(os.sched_getaffinity(0))),
            token_budget=env.integer("INFERENCE_TOKEN_BUDGET", 2048),
            queue_tokens=env.integer("INFERENCE_QUEUE_TOKENS", 262_144),
            max_answers=env.integer("INFERENCE_MAX_ANSWERS", 256),
            max_body=env.integer("INFERENCE_MAX_BODY", 8 << 20),
            host=env.text("INFERENCE_HOST", "127.0.0.1"),
            port=env.integer("INFERENCE_PORT", 9000),
            log_level=env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        )
        for name in ("threads", "token_budget", "queue_tokens", "max_answers", "max_body"):
            if getattr(config, name) < 1:
                raise env.BadSetting(f"INFERENCE_{name.upper()} must be 1 or more")
        return config

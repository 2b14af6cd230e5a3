"""Seconds to calibrate a question; what scoring costs under a calibration beside without."""

import statistics
import time
from collections.abc import Sequence
from typing import Any

from inference_server.fitting.examples import Example
from inference_server.fitting.question import calibrate
from inference_server.fitting.training import limit_threads
from inference_server.judging.question import QuestionCalibration
from inference_server.scorer import Scorer
from tests.bench import sample
from tests.bench.agreement.datasets import Row

ROUNDS, SCORED = 5, 600


def wire(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows' question as the service reads it, all points in one criterion."""
    most = max(row.points for row in rows)
    whole = {"code": "C1", "label": "-", "points": most, "references": [], "keywords": []}
    criteria = [{**whole, "references": list(rows[0].references)}]
    return sample.wire(
        {
            "language": "en",
            "prompt": rows[0].prompt or "-",
            "max_points": most,
            "criteria": criteria,
        }
    )


def measure(scorer: Scorer, rows: Sequence[Row]) -> dict[str, Any]:
    """Of one question: seconds of a calibration in all, and the ratio of scoring, side by side."""
    question, examples = wire(rows), [Example(row.text, row.points, None) for row in rows]
    limit_threads(2)
    began = time.perf_counter()
    made = calibrate(scorer, question, examples, lambda _stage, _fraction: None)
    seconds = time.perf_counter() - began
    calibration = QuestionCalibration.unpack(made.artefact)
    sources = [row.text for row in rows[:SCORED]]
    ratios = []
    for _ in range(ROUNDS):
        plain = _timed(lambda: scorer.score(question, sources))
        ratios.append(_timed(lambda: scorer.score(question, sources, calibration)) / plain)
    return {
        "answers": len(rows),
        "seconds_to_calibrate": seconds,
        "calibrated_to_plain": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "artefact_megabytes": len(made.artefact) / 1e6,
    }


def _timed(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began

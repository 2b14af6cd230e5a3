"""The sample exam calibrated: Japanese, but written data, not answers of candidates."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from inference_server.fitting.examples import FEWEST, Example
from inference_server.fitting.measures import kappa
from inference_server.fitting.question import calibrate
from inference_server.scorer import Scorer
from tests.bench import sample

TAKEN = ("examples", "exact", "calibration_error", "seconds")


def measure(scorer: Scorer) -> Iterator[dict[str, Any]]:
    """A row a question with enough answers: out of fold as the service tells it of its fit."""
    for one in sample.questions():
        if len(one.texts) < FEWEST:
            continue
        marked = zip(one.texts, one.points, one.criteria, strict=True)
        made = calibrate(scorer, one.wire, [Example(*each) for each in marked], lambda *_: None)
        plain = [float(mark["points"]) for mark in scorer.score(one.wire, one.texts)]
        yield {
            "name": f"sample {one.code} (written data)",
            "qwk": made.metrics["kappa"],
            "uncalibrated_qwk": kappa(np.array(plain), np.array(one.points)),
            **{name: made.metrics[name] for name in TAKEN},
        }

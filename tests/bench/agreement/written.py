"""The sample exam calibrated: Japanese, but written data, not answers of candidates."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from inference_server.fitting.examples import FEWEST, Example
from inference_server.fitting.measures import kappa
from inference_server.fitting.question import calibrate
from inference_server.scorer import Scorer
from tests.bench import sample
from tests.bench.foreign import right_texts

TAKEN = ("examples", "exact", "calibration_error", "seconds")


def measure(scorer: Scorer) -> Iterator[dict[str, Any]]:
    """A row a question with enough answers: out of fold as the service tells it of its fit."""
    questions = list(sample.questions())
    for one in questions:
        if len(one.texts) < FEWEST:
            continue
        marked = zip(one.texts, one.points, one.criteria, strict=True)
        examples = [Example(*each) for each in marked]
        foreign = right_texts(other.wire for other in questions if other is not one)
        made = calibrate(scorer, one.wire, examples, lambda *_: None, foreign)
        plain = [float(mark["points"]) for mark in scorer.score(one.wire, one.texts)]
        yield {
            "name": f"sample {one.code} (written data)",
            "qwk": made.metrics["kappa"],
            "uncalibrated_qwk": kappa(np.array(plain), np.array(one.points)),
            **{name: made.metrics[name] for name in TAKEN},
        }

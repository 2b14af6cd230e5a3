"""The general calibration, which marks questions that nobody marked, and its artefact.

It holds a few weights, nothing of the answers that it was fitted to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Any, Self

import numpy as np
from safetensors.numpy import load, save

from inference_server.arrays import Floats
from inference_server.judging.facts import NAMES
from inference_server.judging.packing import UNREADABLE, Unreadable, dump_header, read_headers
from inference_server.judging.regression import Regression
from inference_server.marking.judgement import Judgement
from inference_server.marking.sheet import Sheet

FORMAT = "pmscoring-general-1"
"""Stored artefacts have this format: names in the header and of the arrays do not change."""


@dataclass(frozen=True)
class GeneralCalibration:
    """A regression and the encoder (its SHA-256) that it needs."""

    encoder: str
    regression: Regression

    def judge(self, text: str, facts: Floats | None, sheet: Sheet) -> Judgement | None:
        """Points of a folded text, without a confidence: no answer of the question was seen.

        None where there are no facts [criteria, NAMES], and for a model answer, whose points are
        known.
        """
        if facts is None or text in sheet.model_answers:
            return None
        criteria = sheet.question["criteria"]
        shares = self.regression.shares(facts)
        expected = {
            criterion["code"]: float(share) * criterion["points"]
            for criterion, share in zip(criteria, shares, strict=True)
        }
        return Judgement(_on_scale(sum(expected.values()), sheet), None, expected)

    def suits(self, question: Mapping[str, Any]) -> bool:
        """Whether it may mark the question; an essay in sections has no single reference."""
        return not question["sections"]

    @property
    def void_judgement(self) -> Judgement:
        """What it says of a text that a rule leaves without points."""
        return Judgement(0.0, None, {})

    def pack(self) -> bytes:
        """The artefact."""
        header = {"format": FORMAT, "encoder": self.encoder, "facts": list(NAMES)}
        arrays = {
            "mean": self.regression.mean,
            "scale": self.regression.scale,
            "weights": self.regression.weights,
            "bias": np.array([self.regression.bias]),
        }
        return save(arrays, {"general": dump_header(header)})

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """The calibration in an artefact; raise Unreadable."""
        try:
            header = read_headers(content)["general"]
            if header["format"] != FORMAT or tuple(header["facts"]) != NAMES:
                raise Unreadable(f"a general calibration of another format than {FORMAT}")
            arrays = load(content)
            mean, scale, weights = (
                arrays[name].astype(np.float64) for name in ("mean", "scale", "weights")
            )
            if not mean.shape == scale.shape == weights.shape == (len(NAMES),):
                raise Unreadable("not a general calibration: weights and facts differ in number")
            regression = Regression(mean, scale, weights, float(arrays["bias"][0]))
            return cls(str(header["encoder"]), regression)
        except Unreadable:
            raise
        except UNREADABLE as error:
            raise Unreadable(f"not a general calibration: {type(error).__name__}") from error


def _on_scale(points: float, sheet: Sheet) -> float:
    """The nearest points on the question's step, and no more than its most."""
    step = sheet.question["step"]
    nearest = floor(points / step + 0.5) * step
    return float(min(nearest, sheet.max_points))

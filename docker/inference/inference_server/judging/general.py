"""The general model as it marks, and as bytes: arrays (safetensors) and a JSON header.

It holds a few weights, nothing of the answers that it was fitted to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Any, Self

import numpy as np
import orjson
from safetensors.numpy import load, save

from inference_server.arrays import Floats
from inference_server.judging.facts import NAMES
from inference_server.judging.packing import UNREADABLE, Unreadable, headers
from inference_server.judging.regression import Regression
from inference_server.marking.judged import Judged
from inference_server.marking.scoring import Sheet

FORMAT = "pmscoring-general-1"


@dataclass(frozen=True)
class General:
    """A regression and the encoder (its SHA-256) that it needs; it marks any question."""

    encoder: str
    regression: Regression

    def judge(self, said: str, facts: Floats | None, sheet: Sheet) -> Judged | None:
        """Points of a folded text, without a confidence: no answer of the question was seen.

        None where there are no facts, and of a model answer, whose points are known.
        """
        if facts is None or said in sheet.model_answers:
            return None
        question = sheet.question
        found = zip(question["criteria"], self.regression.shares(facts), strict=True)
        expected = {one["code"]: float(share) * one["points"] for one, share in found}
        return Judged(_on_scale(sum(expected.values()), question), None, expected)

    def suits(self, question: Mapping[str, Any]) -> bool:
        """An essay in sections has no one reference to stand beside."""
        return not question["sections"]

    @property
    def voided(self) -> Judged:
        """Of a text to which a rule gives no points."""
        return Judged(0.0, None, {})

    def pack(self) -> bytes:
        """The artefact."""
        header = {"format": FORMAT, "encoder": self.encoder, "facts": list(NAMES)}
        told = orjson.dumps(header, option=orjson.OPT_SORT_KEYS).decode()
        one = self.regression
        arrays = {"mean": one.mean, "scale": one.scale, "weights": one.weights}
        return save(arrays | {"bias": np.array([one.bias])}, {"general": told})

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """The model in an artefact; raise Unreadable."""
        try:
            header = headers(content)["general"]
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


def _on_scale(points: float, question: Mapping[str, Any]) -> float:
    """To the nearest step, and no more than the question's most."""
    step = question["step"]
    nearest = floor(points / step + 0.5) * step
    return float(min(nearest, question["max_points"] // step * step))

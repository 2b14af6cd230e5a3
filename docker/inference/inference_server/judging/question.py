"""A calibration as bytes: named arrays (safetensors) and a JSON header, never a pickle.

The same calibration is always the same bytes, so that their SHA-256 names it.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Self

import numpy as np
import orjson
from safetensors.numpy import load, save

from inference_server.arrays import AnyArray
from inference_server.judging import confidence
from inference_server.judging.confidence import Confidence
from inference_server.judging.heads import Basis, Heads
from inference_server.judging.kernel import Kernel, Scaling
from inference_server.judging.model import Judge, Model, Verdict
from inference_server.judging.ngrams import KINDS, Vocabulary
from inference_server.judging.packing import UNREADABLE, Unreadable, headers
from inference_server.judging.scale import Scale, together
from inference_server.judging.stack import Stack
from inference_server.judging.texts import Text
from inference_server.marking.judged import Judged

FORMAT = "pmscoring-calibration-2"
Arrays = dict[str, AnyArray]


@dataclass(frozen=True)
class Rule:
    """How often people agreed with a mark that a rule made, of the examples."""

    agreeing: int
    count: int

    @property
    def confidence(self) -> float:
        """That they agree with the next."""
        return confidence.of_rule(self.agreeing, self.count)


@dataclass(frozen=True)
class Calibration:
    """A question's model, the encoder (its SHA-256) that it needs, and what it was made for.

    `criteria` names the criterion of each judge after the first, which is the total's; `settled`
    holds the points of criteria that all examples agree on.
    """

    encoder: str
    question: dict[str, Any]
    criteria: tuple[str, ...]
    settled: dict[str, float]
    rule: Rule
    model: Model

    def judge(self, text: Text) -> Judged:
        """What it says of a text: a function of that text alone."""
        return self.judged(self.model.judge(text))

    def judged(self, verdicts: Sequence[Verdict]) -> Judged:
        """The total's verdict and those of the criteria, by code."""
        total, *others = verdicts
        means = {code: one.expected for code, one in zip(self.criteria, others, strict=True)}
        return Judged(total.points, round(total.confidence, 6), means | self.settled)

    def suits(self, question: dict[str, Any]) -> bool:
        """Whether it was made for such a question."""
        return self.question == made_for(question)

    @property
    def voided(self) -> Judged:
        """Of a text to which a rule gives no points."""
        return Judged(0.0, round(self.rule.confidence, 6), {})

    def pack(self) -> bytes:
        """The artefact."""
        header = {
            "format": FORMAT,
            "encoder": self.encoder,
            "question": self.question,
            "criteria": list(self.criteria),
            "settled": self.settled,
            "rule": [self.rule.agreeing, self.rule.count],
            "confidence": [list(astuple(judge.confidence)) for judge in self.model.judges],
        }
        told = orjson.dumps(header, option=orjson.OPT_SORT_KEYS).decode()
        return save(_arrays(self.model), {"calibration": told})

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """The calibration in an artefact, tried once; raise Unreadable."""
        try:
            header = headers(content)["calibration"]
            if header["format"] != FORMAT:
                raise Unreadable(f"a calibration of another format than {FORMAT}")
            arrays = load(content)
            made = cls(
                str(header["encoder"]),
                dict(header["question"]),
                tuple(header["criteria"]),
                dict(header["settled"]),
                Rule(*map(int, header["rule"])),
                _model(header, arrays),
            )
            made._try()
        except Unreadable:
            raise
        except UNREADABLE as error:
            raise Unreadable(f"not a calibration: {type(error).__name__}") from error
        return made

    def _try(self) -> None:
        """Judge a text of nothing: shapes that do not fit each other show themselves."""
        width, facts = len(self.model.heads.basis.mean), len(self.model.kernel.scaling.mean)
        tokens = np.zeros((3, width), np.float16)
        found = self.model.judge(Text("", tokens, np.zeros(facts, np.float32)))
        if len(found) != 1 + len(self.criteria):
            raise Unreadable("not a calibration: judges and criteria differ in number")


def made_for(question: dict[str, Any]) -> dict[str, Any]:
    """What of a question a calibration cannot do without."""
    codes = [criterion["code"] for criterion in question["criteria"]]
    return {"max_points": question["max_points"], "step": question["step"], "criteria": codes}


def _arrays(model: Model) -> Arrays:
    kernel, heads = model.kernel, model.heads
    arrays: Arrays = {
        "facts.mean": kernel.scaling.mean,
        "facts.scale": kernel.scaling.scale,
        "kernel.facts": kernel.facts,
        "kernel.pull": kernel.pull,
        "kernel.middle": kernel.middle,
        "heads.mean": heads.basis.mean,
        "heads.axes": heads.basis.axes,
        "heads.look": heads.look,
        "heads.look_bias": heads.look_bias,
        "heads.judge": heads.judge,
        "heads.judge_bias": heads.judge_bias,
    }
    for index, (one, weights) in enumerate(zip(kernel.vocabularies, kernel.grams, strict=True)):
        arrays[f"grams.{index}.hashes"] = one.hashes.view(np.int64)
        arrays[f"grams.{index}.rarity"] = one.rarity
        arrays[f"grams.{index}.weights"] = weights.astype(np.float16)
    for index, judge in enumerate(model.judges):
        arrays[f"judge.{index}.levels"] = judge.scale.levels
        arrays[f"judge.{index}.learned"] = judge.scale.learned
        arrays[f"judge.{index}.odds"] = judge.stack.levels
        arrays[f"judge.{index}.weights"] = judge.stack.weights
        arrays[f"judge.{index}.cuts"] = judge.cuts
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _model(header: dict[str, Any], arrays: Arrays) -> Model:
    vocabularies = [
        Vocabulary(kind, arrays[f"grams.{i}.hashes"].view(np.uint64), arrays[f"grams.{i}.rarity"])
        for i, kind in enumerate(KINDS)
    ]
    kernel = Kernel(
        vocabularies,
        [arrays[f"grams.{i}.weights"].astype(np.float32) for i in range(len(KINDS))],
        Scaling(arrays["facts.mean"], arrays["facts.scale"]),
        arrays["kernel.facts"],
        arrays["kernel.pull"],
        arrays["kernel.middle"],
    )
    heads = Heads(
        Basis(arrays["heads.mean"], arrays["heads.axes"]),
        arrays["heads.look"],
        arrays["heads.look_bias"],
        arrays["heads.judge"],
        arrays["heads.judge_bias"],
    )
    judges = [_judge(arrays, i, sure) for i, sure in enumerate(header["confidence"])]
    return Model(kernel, heads, judges, together([judge.scale for judge in judges]))


def _judge(arrays: Arrays, index: int, sure: list[float]) -> Judge:
    parts = {name: arrays[f"judge.{index}.{name}"] for name in ("levels", "learned")}
    stack = Stack(arrays[f"judge.{index}.odds"], arrays[f"judge.{index}.weights"])
    scale = Scale(parts["levels"], parts["learned"])
    return Judge(scale, stack, arrays[f"judge.{index}.cuts"], Confidence(*map(float, sure)))

"""The calibration of a question, and its artefact."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Self

import numpy as np
from safetensors.numpy import load, save

from inference_server.arrays import AnyArray
from inference_server.judging.confidence import Confidence, rule_of_succession
from inference_server.judging.heads import Basis, Heads
from inference_server.judging.kernel import Kernel, Scaling
from inference_server.judging.model import Judge, Model, Verdict
from inference_server.judging.ngrams import KINDS, Vocabulary
from inference_server.judging.packing import UNREADABLE, Unreadable, dump_header, read_headers
from inference_server.judging.scale import Scale, columns_of
from inference_server.judging.stack import Stack
from inference_server.judging.support import Support
from inference_server.judging.texts import SIZES, Text
from inference_server.judging.unmarked import Unmarked
from inference_server.marking.judgement import Judgement

FORMAT = "pmscoring-calibration-2"
"""Stored artefacts have this format: names in the header and of the arrays do not change."""
Arrays = dict[str, AnyArray]


@dataclass(frozen=True)
class RuleAgreement:
    """How many of the examples that a rule gave no points people gave none either."""

    agreeing: int
    count: int

    @property
    def confidence(self) -> float:
        """The chance that people agree with the rule's next mark."""
        return rule_of_succession(self.agreeing, self.count)


@dataclass(frozen=True)
class QuestionCalibration:
    """A question's model, the encoder (its SHA-256) that it needs, and what it was made for.

    `question` is what `made_for` names of the question. `criteria` names the criterion of each
    judge after the first, which is the total's; `constant` has the points of criteria on which all
    examples agree.
    """

    encoder: str
    question: dict[str, Any]
    criteria: tuple[str, ...]
    constant: dict[str, float]
    rule: RuleAgreement
    model: Model

    def judge(self, text: Text) -> Judgement:
        """What it says of a text: a function of that text alone."""
        return self.judgement(self.model.judge(text), is_unlike=not self.model.knows(text))

    def judgement(self, verdicts: Sequence[Verdict], *, is_unlike: bool = False) -> Judgement:
        """What the verdicts, the total's first, come to."""
        total, *others = verdicts
        expected = {
            code: verdict.expected for code, verdict in zip(self.criteria, others, strict=True)
        }
        confidence = round(total.confidence, 6)
        return Judgement(total.points, confidence, expected | self.constant, is_unlike)

    def suits(self, question: dict[str, Any]) -> bool:
        """Whether it was made for such a question."""
        return self.question == made_for(question)

    @property
    def void_judgement(self) -> Judgement:
        """What it says of a text that a rule leaves without points."""
        return Judgement(0.0, round(self.rule.confidence, 6), {})

    def pack(self) -> bytes:
        """The artefact."""
        header = {
            "format": FORMAT,
            "encoder": self.encoder,
            "question": self.question,
            "criteria": list(self.criteria),
            "settled": self.constant,
            "rule": [self.rule.agreeing, self.rule.count],
            "confidence": [list(astuple(judge.confidence)) for judge in self.model.judges],
        }
        return save(_arrays(self.model), {"calibration": dump_header(header)})

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """The calibration in an artefact, tried out once; raise Unreadable."""
        try:
            header = read_headers(content)["calibration"]
            if header["format"] != FORMAT:
                raise Unreadable(f"a calibration of another format than {FORMAT}")
            calibration = cls(
                str(header["encoder"]),
                dict(header["question"]),
                tuple(header["criteria"]),
                dict(header["settled"]),
                RuleAgreement(*map(int, header["rule"])),
                _model(header, load(content)),
            )
            calibration._try_out()
        except Unreadable:
            raise
        except UNREADABLE as error:
            raise Unreadable(f"not a calibration: {type(error).__name__}") from error
        return calibration

    def _try_out(self) -> None:
        """Judge an empty text, which raises where shapes do not fit each other."""
        width, facts = len(self.model.heads.basis.mean), len(self.model.kernel.scaling.mean)
        tokens = np.zeros((3, width), np.float16)
        empty = Text("", tokens, np.zeros(facts, np.float32))
        verdicts = self.model.judge(empty)
        self.model.knows(empty)
        if len(verdicts) != 1 + len(self.criteria):
            raise Unreadable("not a calibration: judges and criteria differ in number")


def made_for(question: dict[str, Any]) -> dict[str, Any]:
    """What of a question a calibration depends on: another value makes it useless."""
    codes = [criterion["code"] for criterion in question["criteria"]]
    return {"max_points": question["max_points"], "step": question["step"], "criteria": codes}


def _arrays(model: Model) -> Arrays:
    kernel, heads = model.kernel, model.heads
    arrays: Arrays = {
        "facts.mean": kernel.scaling.mean,
        "facts.scale": kernel.scaling.scale,
        "kernel.facts": kernel.facts,
        "kernel.pull": kernel.dual,
        "kernel.middle": kernel.mean,
        "heads.mean": heads.basis.mean,
        "heads.axes": heads.basis.axes,
        "heads.look": heads.filters,
        "heads.look_bias": heads.filter_bias,
        "heads.judge": heads.output,
        "heads.judge_bias": heads.output_bias,
        "unmarked.weights": model.unmarked.weights,
    }
    for index, (vocabulary, weights) in enumerate(
        zip(kernel.vocabularies, kernel.grams, strict=True)
    ):
        arrays[f"grams.{index}.hashes"] = vocabulary.hashes.view(np.int64)
        arrays[f"grams.{index}.rarity"] = vocabulary.rarity
        arrays[f"grams.{index}.weights"] = weights.astype(np.float16)
    for index, judge in enumerate(model.judges):
        arrays[f"judge.{index}.levels"] = judge.scale.levels
        arrays[f"judge.{index}.learned"] = judge.scale.learned
        arrays[f"judge.{index}.odds"] = judge.stack.intercepts
        arrays[f"judge.{index}.weights"] = judge.stack.weights
        arrays[f"judge.{index}.cuts"] = judge.cuts
    if model.support:
        arrays["support.weights"] = model.support.weights
        arrays["support.least"] = np.array([model.support.least])
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _model(header: dict[str, Any], arrays: Arrays) -> Model:
    judges = [
        _judge(arrays, index, parameters) for index, parameters in enumerate(header["confidence"])
    ]
    columns = columns_of([judge.scale for judge in judges])
    return Model(
        _kernel(arrays),
        _heads(arrays),
        _unmarked(arrays, len(judges)),
        judges,
        columns,
        _support(arrays),
    )


def _kernel(arrays: Arrays) -> Kernel:
    vocabularies = [
        Vocabulary(kind, arrays[f"grams.{i}.hashes"].view(np.uint64), arrays[f"grams.{i}.rarity"])
        for i, kind in enumerate(KINDS)
    ]
    return Kernel(
        vocabularies,
        [arrays[f"grams.{i}.weights"].astype(np.float32) for i in range(len(KINDS))],
        Scaling(arrays["facts.mean"], arrays["facts.scale"]),
        arrays["kernel.facts"],
        arrays["kernel.pull"],
        arrays["kernel.middle"],
    )


def _heads(arrays: Arrays) -> Heads:
    return Heads(
        Basis(arrays["heads.mean"], arrays["heads.axes"]),
        arrays["heads.look"],
        arrays["heads.look_bias"],
        arrays["heads.judge"],
        arrays["heads.judge_bias"],
    )


def _unmarked(arrays: Arrays, judges: int) -> Unmarked:
    """Of no weight in an artefact that was stored before it was learned from."""
    none = np.zeros((judges, len(arrays["facts.mean"]) - SIZES))
    return Unmarked(arrays.get("unmarked.weights", none))


def _support(arrays: Arrays) -> Support | None:
    """None in an artefact that was stored before it was learned."""
    if "support.weights" not in arrays:
        return None
    return Support(arrays["support.weights"], float(arrays["support.least"][0]))


def _judge(arrays: Arrays, index: int, confidence: list[float]) -> Judge:
    names = ("levels", "learned", "odds", "weights", "cuts")
    levels, learned, odds, weights, cuts = (arrays[f"judge.{index}.{name}"] for name in names)
    return Judge(
        Scale(levels, learned), Stack(odds, weights), cuts, Confidence(*map(float, confidence))
    )

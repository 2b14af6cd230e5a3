"""Writes the kit: the encoder with the tokens of its texts alone, and questions with answers.

A piece of a Unigram vocabulary that no text needs takes no part in how the texts are cut, so the
vectors are those of the whole encoder; a text that is cut otherwise stops the writing.

    python -m tests.gpu.kit --to FOLDER
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from inference_server.arrays import AnyArray
from inference_server.encoding.engine import DEPTH
from inference_server.encoding.tokens import TextTokenizer
from inference_server.marking.evidence import CLAUSE, pieces
from inference_server.marking.rules import apply_rules
from inference_server.marking.sheet import Sheet, reference_texts
from pmscoring.base import texts
from tests.bench import sample
from tests.paths import ROOT, WEIGHTS

ANSWERS = 2000
KIT = ROOT / "var" / "gpu-kit"
SPECIAL = range(4)
"""Ids of the special tokens, which keep their places."""
WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Asked:
    """A question as the script reads it, and the folded answers that were written to it."""

    description: dict[str, Any]
    answers: list[str]


def write(weights: Path, folder: Path, answers: int = ANSWERS) -> None:
    """Write the kit; raise ValueError where a text would be cut otherwise than by all pieces."""
    asked = [_asked(marked) for marked in sample.questions()]
    chosen = _answers(asked, answers)
    sources = [text for _question, text in chosen]
    for question in asked:
        sources += [question.description["prompt"], *chain(*question.description["references"])]
    folder.mkdir(parents=True, exist_ok=True)
    kept = _write_tokenizer(weights, folder, sources)
    _write_weights(weights, folder, kept)
    content = {"questions": [question.description for question in asked], "answers": chosen}
    (folder / "texts.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _asked(marked: sample.Marked) -> Asked:
    wire, sheet = marked.wire, Sheet.of(marked.wire)
    folded = [(text, texts.folded(text)) for text in marked.texts]
    answers = [own for text, own in folded if not apply_rules(text, own, sheet, 1.0).is_void]
    description = {
        "question": wire,
        "references": reference_texts(wire),
        "prompt": texts.folded(wire["prompt"]),
        "keywords": sheet.keywords,
        "model_answers": sorted(sheet.model_answers),
    }
    return Asked(description, list(dict.fromkeys(answers)))


def _answers(asked: Sequence[Asked], most: int) -> list[tuple[int, str]]:
    """Pairs of the question's index and a text, no two the same: written ones, then mixed ones."""
    chosen: dict[tuple[int, str], None] = {}
    for distance in count():
        for index, question in enumerate(asked):
            chosen |= dict.fromkeys((index, text) for text in _mixed(question.answers, distance))
        if len(chosen) >= most or distance == min(len(each.answers) for each in asked):
            return list(chosen)[:most]
    raise AssertionError("the loop ends")


def _mixed(answers: Sequence[str], distance: int) -> Iterator[str]:
    """The first half of each answer's clauses with the second half of another's."""
    for index, text in enumerate(answers):
        other = answers[(index + distance) % len(answers)]
        yield text if text is other else _half(text, 0) + _half(other, 1)


def _half(text: str, which: int) -> str:
    clauses = pieces(text, CLAUSE)
    begins = [*(start for start, _ in clauses[1:]), len(text)]
    middle = begins[(len(clauses) - 1) // 2]
    return text[middle:] if which else text[:middle]


def _write_tokenizer(weights: Path, folder: Path, sources: Sequence[str]) -> list[int]:
    """The ids of the whole vocabulary that are kept, in their order."""
    whole = TextTokenizer(weights)
    tokens = whole.tokenise(sources)
    kept = sorted({*SPECIAL, *(token for each in tokens for token in each.ids)})
    described = json.loads((weights / "tokenizer.json").read_text("utf-8"))
    pieces = described["model"]["vocab"]
    described["model"]["vocab"] = [pieces[token] for token in kept]
    (folder / "tokenizer.json").write_text(json.dumps(described, ensure_ascii=False), "utf-8")
    shutil.copyfile(weights / "normaliser.json", folder / "normaliser.json")
    places = {token: place for place, token in enumerate(kept)}
    for text, before, after in zip(
        sources, tokens, TextTokenizer(folder).tokenise(sources), strict=True
    ):
        if [places[token] for token in before.ids] != after.ids:
            raise ValueError(f"cut otherwise by the kept pieces: {text}")
    return kept


def _write_weights(weights: Path, folder: Path, kept: Sequence[int]) -> None:
    """The rows of the kept tokens, and the layers that are run."""
    config = json.loads((weights / "config.json").read_text())
    layers = range(round(config["num_hidden_layers"] * DEPTH))
    tensors: dict[str, AnyArray] = {
        name: tensor
        for name, tensor in load_file(weights / "model.safetensors").items()
        if not name.startswith("encoder.") or int(name.split(".")[2]) in layers
    }
    tensors[WORDS] = np.ascontiguousarray(tensors[WORDS][list(kept)])
    save_file(tensors, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)  # written for its owner alone
    config["vocab_size"] = len(kept)
    (folder / "config.json").write_text(json.dumps(config))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write what `python -m tests.gpu` measures with.")
    parser.add_argument("--to", type=Path, default=KIT, metavar="FOLDER")
    folder = parser.parse_args().to
    write(WEIGHTS, folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    sys.stdout.write(f"{folder}: {size / 2**20:.1f} MiB\n")


if __name__ == "__main__":
    main()

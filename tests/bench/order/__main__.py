"""`make bench-order DATA=FOLDER`: word order that no writer has, told from honest answers.

A CSV file counts when it has columns question (or set), text, and points (or correct), or those of
sentence pairs (a, b). The sample exam follows. Honest texts come from all of these; their shuffles
and lists are made of answers with at least 60 % of the points.

Prints the share of honest texts that are flagged and of each kind that is caught: by heads that saw
no text of the same question, and of the same folder. `--write` stores heads fitted to all of them,
with thresholds from the former. `--keep` keeps what the encoder made of the texts in a folder.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from inference_server.arrays import Doubles, Floats
from inference_server.encoding.batching import Batcher
from inference_server.encoding.engine import Encoder, choose
from inference_server.marking.matching import Reading
from inference_server.marking.order import HEADS, NAMES, features
from inference_server.marking.stuffing import is_stuffed
from inference_server.scorer import Scorer
from tests.bench.order import disorder, fitting
from tests.bench.order.texts import Made, gather
from tests.bench.report import write
from tests.paths import WEIGHTS

CHUNK = 256
HONEST, MADE_OF = 2500, 350


class Encoded:
    """The encoder; with a folder it keeps the features of each file's texts there."""

    def __init__(self, threads: int, folder: Path | None) -> None:
        device, precision = choose("cpu", "auto")
        self.encoder = Encoder.load(WEIGHTS, device, precision, threads)
        self.batcher = Batcher(self.encoder.forward, 1024, 1_000_000)
        self.scorer = Scorer(self.encoder, self.batcher, 10_000_000)
        self.folder = folder

    def features(self, made: Sequence[Made]) -> Floats:
        """[texts, features]."""
        name = hashlib.sha256("\n".join(one.text for one in made).encode()).hexdigest()[:24]
        path = self.folder / f"{name}.npy" if self.folder else None
        if path and path.exists():
            kept: Floats = np.load(path)
            return kept
        distinct = sorted({one.text for one in made}, key=len)
        found: dict[str, Doubles] = {}
        for start in range(0, len(distinct), CHUNK):
            found |= self.scorer.read(distinct[start : start + CHUNK], features_of)
        rows = np.array([found[one.text] for one in made], np.float32)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, rows)
        return rows


def features_of(reading: Reading) -> Doubles:
    """[features]; the encoder of this bench has middle layers."""
    assert reading.middle is not None
    return features(reading.middle)


def folder_of(one: Made) -> str:
    """What lies together: other files there may have the same questions."""
    return one.source.rpartition("/")[0]


def flagged(odds: Doubles, cuts: Doubles, made: Sequence[Made]) -> list[set[str]]:
    """The flags of each text, those of the rule without vectors among them."""
    return [
        {name for name, over in zip(NAMES, row, strict=True) if over}
        | ({"stuffed"} if is_stuffed(one.text, language_of(one.text)) else set())
        for one, row in zip(made, odds > cuts, strict=True)
    ]


def language_of(text: str) -> str:
    """The language of a question with such answers."""
    return "en" if disorder.is_spaced(text) else "ja"


def rows_of(how: str, flags: Sequence[set[str]], made: Sequence[Made]) -> Iterator[dict[str, Any]]:
    """A row a file and kind: how many texts, and the share with each flag and with any."""
    groups = dict.fromkeys((one.source, one.kind) for one in made)
    for source, kind in groups:
        own = [
            flag
            for flag, one in zip(flags, made, strict=True)
            if (one.source, one.kind) == (source, kind)
        ]
        row = {"how": how, "name": source, "kind": kind, "texts": len(own)}
        shares = {name: sum(name in each for each in own) / len(own) for name in NAMES}
        yield row | shares | {"any": sum(map(bool, own)) / len(own)}


def measure(rows: Floats, made: Sequence[Made]) -> Iterator[dict[str, Any]]:
    """The rows of each way to leave texts out; the cuts are always those that are stored."""
    by_question = fitting.out_of_fold(rows, made, fitting.fold_of)
    cuts = fitting.thresholds(by_question, made)
    yield from rows_of("questions left out", flagged(by_question, cuts, made), made)
    by_file = fitting.out_of_fold(rows, made, folder_of)
    yield from rows_of("folder left out", flagged(by_file, cuts, made), made)


def show(row: dict[str, Any]) -> None:
    """One line of the table."""
    shares = "  ".join(f"{name} {row[name]:.4f}" for name in (*NAMES, "any"))
    sys.stdout.write(
        f"{row['how']:<20}{row['name']:<32}{row['kind']:<14}{row['texts']:>6}  {shares}\n"
    )
    sys.stdout.flush()


def store(heads: fitting.Fitted, cuts: Doubles, encoder: str) -> None:
    """Write the heads beside the code that uses them."""
    tensors = {
        "weights": heads.weights.astype(np.float32),
        "bias": (heads.bias - cuts).astype(np.float32),
    }
    save_file(tensors, HEADS, {"encoder": encoder})
    HEADS.chmod(0o644)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of CSV files")
    parser.add_argument("--honest", type=int, default=HONEST, help="texts of a file")
    parser.add_argument("--made-of", type=int, default=MADE_OF, help="answers to make others of")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--write", action="store_true", help="store the heads in the package")
    chosen = parser.parse_args()
    reader = Encoded(chosen.threads, chosen.keep)
    files = list(
        gather(chosen.data, chosen.honest, chosen.made_of, disorder.cutter(reader.encoder))
    )
    parts = [reader.features(own) for own in files]
    reader.batcher.close()
    rows, made = np.concatenate(parts), [one for own in files for one in own]
    told = []
    for row in measure(rows, made):
        show(row)
        told.append(row)
    write("order", told)
    if chosen.write:
        cuts = fitting.thresholds(fitting.out_of_fold(rows, made, fitting.fold_of), made)
        store(fitting.fitted(rows, made), cuts, reader.encoder.middle)


if __name__ == "__main__":
    main()

"""How well marks without any human mark agree with people: `make bench-uncalibrated DATA=FOLDER`.

A CSV file counts when its columns are question, prompt, text, `reference` or `references` (a JSON
list), and `correct` (0 or 1) or `points`. Of each file a row for the method as shipped, one for
each part left out, and the share of its answers that has each flag. The sample exam follows,
question by question, and how its evidence agrees with what a person marked.
"""

import argparse
import csv
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inference_server.arrays import Doubles
from inference_server.encoding.batching import Batcher
from inference_server.encoding.engine import Encoder, choose
from inference_server.marking import matching
from inference_server.marking.matching import Reading, Rubric
from inference_server.marking.points import FULL, LEAST
from inference_server.marking.rules import apply_rules
from inference_server.marking.sheet import Sheet
from inference_server.marking.stuffing import JAPANESE
from inference_server.scorer import Scorer
from pmscoring.base import texts
from scoring.agreement.kappa import agreement
from tests.bench import evidence, sample
from tests.bench.report import write
from tests.paths import WEIGHTS

HALF = (LEAST + FULL) / 2
CHUNK = 1024


@dataclass(frozen=True)
class Marked:
    """One answer that a person marked, `share` of the points in [0, 1]."""

    question: str
    prompt: str
    references: tuple[str, ...]
    text: str
    share: float


def marked_rows(path: Path) -> list[Marked]:
    """The rows of a file whose columns are known; none of another."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    has = set(rows[0]) if rows else set()
    if not {"question", "prompt", "text"} <= has or not has & {"reference", "references"}:
        return []
    column = "correct" if "correct" in has else "points"
    known = [row for row in rows if row[column] and row["text"].strip()]
    most: dict[str, float] = defaultdict(float)
    for row in known:
        most[row["question"]] = max(most[row["question"]], float(row[column]))
    return [
        Marked(
            row["question"],
            texts.folded(row["prompt"]),
            tuple(texts.folded(one) for one in _references(row)),
            texts.folded(row["text"]),
            float(row[column]) / (most[row["question"]] or 1),
        )
        for row in known
    ]


def _references(row: dict[str, str]) -> list[str]:
    found: list[str] = json.loads(row["references"]) if "references" in row else [row["reference"]]
    return [one for one in found if one.strip()]


def read_all(scorer: Scorer, rows: Sequence[Marked]) -> dict[str, Reading]:
    """Every text of the rows, each read once."""
    every = list(
        dict.fromkeys(text for r in rows for text in (r.text, r.prompt, *r.references) if text)
    )
    found: dict[str, Reading] = {}
    for start in range(0, len(every), CHUNK):
        found |= scorer.read(every[start : start + CHUNK], lambda reading: reading)
    return found


def strengths(rows: Sequence[Marked], readings: dict[str, Reading], without: str) -> Doubles:
    """The strength of each row's answer; `without` names a part of the method to leave out."""
    rubrics: dict[tuple[str, ...], Rubric] = {}
    found = []
    for row in rows:
        name = (row.prompt, *row.references)
        if name not in rubrics:
            rubrics[name] = _rubric(row, readings, without)
        found.append(matching.matches(readings[row.text], rubrics[name], 1)[0].strength)
    return np.array(found)


def _rubric(row: Marked, readings: dict[str, Reading], without: str) -> Rubric:
    references = [readings[one] for one in row.references]
    if "rarity" in without:
        references = [replace(one, rarity=np.ones_like(one.rarity)) for one in references]
    prompt = None if "demoting" in without else readings.get(row.prompt)
    return matching.rubric_of([references], prompt)


def bigrams(rows: Sequence[Marked]) -> Doubles:
    """The simplest method: the share of a reference's character bigrams that the answer has."""

    def grams(text: str) -> set[str]:
        return {text[i : i + 2] for i in range(len(text) - 1)}

    return np.array(
        [
            max(len(grams(r) & grams(row.text)) / max(len(grams(r)), 1) for r in row.references)
            for row in rows
        ]
    )


def figures(rows: Sequence[Marked], strength: Any, cut: float | None) -> dict[str, Any]:
    """r over all answers and its mean over questions; where marks are 0 or 1 the accuracy."""
    shares = np.array([row.share for row in rows])
    by_question: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        by_question[row.question].append(index)
    each = [_r(strength[one], shares[one]) for one in by_question.values()]
    told = {"answers": len(rows), "questions": len(each), "r": _r(strength, shares)}
    told["r_within"] = float(np.nanmean(each))
    if cut is not None and set(shares) <= {0.0, 1.0}:
        told["accuracy"] = float(((strength >= cut) == (shares == 1)).mean())
    return told


def _r(one: Any, other: Any) -> float:
    if len(one) < 3 or np.std(one) < 1e-9 or np.std(other) < 1e-9:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def measure(scorer: Scorer, path: Path, name: str) -> Iterator[dict[str, Any]]:
    """A row of figures for each variant on one file."""
    rows = marked_rows(path)
    if not rows:
        return
    began = time.perf_counter()
    readings = read_all(scorer, rows)
    seconds = time.perf_counter() - began
    shipped = strengths(rows, readings, "")
    yield {
        "name": name,
        "method": "as shipped",
        **figures(rows, shipped, HALF),
        "seconds": seconds,
    }
    for without in ("rarity", "demoting", "rarity and demoting"):
        told = figures(rows, strengths(rows, readings, without), HALF)
        yield {"name": name, "method": f"without {without}", **told, "seconds": seconds}
    yield {"name": name, "method": "character bigrams", **figures(rows, bigrams(rows), None)}
    flags = flagged(rows, shipped)
    yield {"name": name, "method": "flagged", "answers": len(rows), **flags}


def flagged(rows: Sequence[Marked], strength: Any) -> dict[str, float]:
    """The share of these honest answers that has each flag."""
    sheets: dict[tuple[str, ...], Sheet] = {}
    counts: Counter[str] = Counter()
    for row, value in zip(rows, strength, strict=True):
        name = (row.prompt, *row.references)
        if name not in sheets:
            sheets[name] = Sheet.of(_question(row))
        counts.update(apply_rules(row.text, row.text, sheets[name], float(value)).flags)
    return {flag: count / len(rows) for flag, count in sorted(counts.items())}


def _question(row: Marked) -> dict[str, Any]:
    """The question on the wire; that in letters without spaces as one in Japanese."""
    references = list(row.references)
    whole = {"code": "C1", "label": "", "points": 1, "references": references, "keywords": []}
    language = "ja" if JAPANESE.search(row.prompt + "".join(references)) else "en"
    return sample.wire(
        {"language": language, "prompt": row.prompt, "max_points": 1, "criteria": [whole]}
    )


def of_sample(scorer: Scorer) -> Iterator[dict[str, Any]]:
    """Agreement with the marks of the sample exam."""
    for one in sample.questions():
        found = scorer.score(one.wire, one.texts)
        given = [float(mark["points"]) for mark in found]
        told = agreement(list(zip(given, one.points, strict=True)), one.wire["step"])
        row = {"answers": told.count, "qwk": told.kappa, "exact": told.exact, "mae": told.mae}
        yield {"name": f"sample {one.code}", "method": "as shipped", **row}
    yield {"name": "sample", "method": "evidence, F1", **evidence.measure(scorer)}


def show(row: dict[str, Any]) -> None:
    """One line of the table."""
    numbers = [
        f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in row.items()
        if key not in ("name", "method") and value is not None
    ]
    print(f"{row['name']:<34}{row['method']:<30}{'  '.join(numbers)}", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="a folder of CSV files")
    data = parser.parse_args().data
    encoder = Encoder.load(WEIGHTS, *choose("cpu", "auto"), threads=2)
    batcher = Batcher(encoder.forward, pack_tokens=1024, queue_sequences=1_000_000)
    scorer = Scorer(encoder, batcher, max_tokens=10_000_000)
    told = []
    for path in sorted(data.rglob("*.csv")) if data else []:
        for row in measure(scorer, path, str(path.relative_to(data))):
            show(row)
            told.append(row)
    for row in of_sample(scorer):
        show(row)
        told.append(row)
    batcher.close()
    write("uncalibrated", told)


if __name__ == "__main__":
    main()

"""Marked answers from a folder: files are known by their columns, never by their names."""

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pmscoring.base import texts

QUESTION, POINTS = ("question", "set"), ("correct", "points")
READERS = (
    ("points", "points_second_reader"),
    ("rater1", "rater2"),
    ("points_first_reader", "points_second_reader"),
)
LONGEST_CELL = 1 << 30


@dataclass(frozen=True)
class Row:
    """One marked answer; `readers` are two people's points where the file has them, `most` the
    points that there are to be had where the file says so.
    """

    question: str
    text: str
    points: float
    prompt: str
    references: tuple[str, ...]
    readers: tuple[float, float] | None
    fold: str
    most: float | None = None


@dataclass
class Data:
    """One file's rows by question; `test` those of a smaller file on the same questions."""

    name: str
    questions: dict[str, list[Row]]
    test: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def is_binary(self) -> bool:
        """Whether answers are only right or wrong."""
        return {row.points for rows in self.questions.values() for row in rows} <= {0.0, 1.0}


def find(folder: Path) -> list[Data]:
    """All marked files below; a file on some of the questions of a larger one is its test."""
    found = [data for path in sorted(folder.rglob("*.csv")) if (data := _read(folder, path))]
    found.sort(key=lambda data: -sum(map(len, data.questions.values())))
    kept: list[Data] = []
    for data in found:
        larger = [one for one in kept if set(data.questions) <= set(one.questions)]
        same = [one for one in larger if Path(one.name).parent == Path(data.name).parent]
        if same:
            same[0].test = data.questions
        else:
            kept.append(data)
    return sorted(kept, key=lambda data: data.name)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, whose cells may be essays; the process's own limit stays."""
    with path.open(encoding="utf-8", newline="") as file:
        limit = csv.field_size_limit(LONGEST_CELL)
        try:
            return list(csv.DictReader(file))
        finally:
            csv.field_size_limit(limit)


def _read(folder: Path, path: Path) -> Data | None:
    rows = rows_of(path)
    has = set(rows[0]) if rows else set()
    question = next((name for name in QUESTION if name in has), None)
    points = next((name for name in POINTS if name in has), None)
    if question is None or points is None or "text" not in has:
        return None
    readers = next((pair for pair in READERS if has >= set(pair)), None)
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        text = texts.folded(row["text"])
        if not text or not row[points]:
            continue
        pair = (float(row[readers[0]]), float(row[readers[1]])) if readers else None
        told = Row(
            row[question],
            text,
            float(row[points]),
            texts.folded(row.get("prompt", "")),
            tuple(texts.folded(one) for one in _references(row) if one.strip()),
            pair,
            row.get("fold", ""),
            float(row["max_points"]) if row.get("max_points") else None,
        )
        grouped[told.question].append(told)
    return Data(str(path.relative_to(folder)), dict(grouped))


def _references(row: dict[str, str]) -> Sequence[str]:
    if "references" in row:
        found: list[str] = json.loads(row["references"])
        return found
    return [row["reference"]] if "reference" in row else []

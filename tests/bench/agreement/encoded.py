"""Texts as calibration sees them, read by the encoder once."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from inference_server.encoding.batching import Batcher
from inference_server.encoding.engine import Encoder, choose
from inference_server.fitting.worthless import worthless_texts
from inference_server.judging.texts import SIZES, STRENGTH, Text
from inference_server.marking import matching
from inference_server.marking.matching import Reading, Rubric
from inference_server.marking.points import FULL
from inference_server.marking.stuffing import JAPANESE
from inference_server.scorer import Scorer
from tests.bench.agreement.datasets import Row
from tests.paths import WEIGHTS

CHUNK = 512
Asked = tuple[str, tuple[str, ...]]
T = TypeVar("T")


class Reader:
    """Reads rows; with a folder it keeps what it made of them there."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.made: Scorer | None = None

    def texts(self, rows: Sequence[Row]) -> list[Text]:
        """One a row, in their order."""
        path = self.place(rows, ".npz")
        if path and path.exists():
            return _kept(path, rows)
        found = self._read(rows)
        if path:
            np.savez(
                path,
                tokens=np.concatenate([one.tokens for one in found]),
                ends=np.cumsum([len(one.tokens) for one in found]),
                facts=np.stack([one.facts for one in found]),
            )
        return found

    def place(self, rows: Sequence[Row], ending: str) -> Path | None:
        """Where what is made of the rows is kept; None where nothing is."""
        if self.folder is None:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        told = repr([(row.text, row.prompt, row.references) for row in rows])
        return self.folder / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}{ending}"

    def _read(self, rows: Sequence[Row]) -> list[Text]:
        rubrics = self.rubrics(rows)
        owners = {row.text: rubrics[row.prompt, row.references] for row in rows}

        def use(reading: Reading) -> Text:
            return Text.of(reading, matching.matches(reading, owners[reading.text], 1))

        found = self.read(list(owners), use)
        return [found[row.text] for row in rows]

    def worthless(self, rows: Sequence[Row], questions: Iterable[Sequence[Row]]) -> list[Text]:
        """What a calibration of the rows' question learns as worth nothing, as in the product.

        Right answers to the others of the `questions` are their references.
        """
        own = rows[0]
        foreign = [text for other in questions if other is not rows for text in other[0].references]
        question = {
            "language": "ja" if JAPANESE.search(own.text) else "en",
            "criteria": [{"references": list(own.references), "keywords": [], "label": ""}],
            "model_answers": [],
        }
        made = worthless_texts(question, [row.text for row in rows], foreign)
        read_texts = self.texts([replace(own, text=text) for text in made])
        return [text for text in read_texts if text.facts[SIZES] < FULL * STRENGTH]

    def rubrics(self, rows: Sequence[Row]) -> dict[Asked, Rubric]:
        """By prompt and references, which stand together as one criterion."""
        asked = dict.fromkeys((row.prompt, row.references) for row in rows)
        known = {text for prompt, several in asked for text in (prompt, *several) if text}
        readings = self.read(sorted(known), lambda reading: reading)
        return {
            (prompt, several): matching.rubric_of(
                [[readings[one] for one in several]], readings.get(prompt)
            )
            for prompt, several in asked
        }

    def read(self, texts: Sequence[str], use: Callable[[Reading], T]) -> dict[str, T]:
        """What `use` makes of each distinct text."""
        found: dict[str, T] = {}
        for start in range(0, len(texts), CHUNK):
            found |= self.scorer().read(texts[start : start + CHUNK], use)
        return found

    def scorer(self) -> Scorer:
        """The service's own, made when it is first wanted."""
        if self.made is None:
            encoder = Encoder.load(WEIGHTS, *choose("cpu", "auto"), threads=2)
            batcher = Batcher(encoder.forward, pack_tokens=512, queue_sequences=1_000_000)
            self.made = Scorer(encoder, batcher, max_tokens=10_000_000)
        return self.made

    def close(self) -> None:
        """End the encoder's thread."""
        if self.made:
            self.made.batcher.close()


def _kept(path: Path, rows: Sequence[Row]) -> list[Text]:
    with np.load(path) as kept:
        tokens = np.split(kept["tokens"], kept["ends"][:-1])
        return [
            Text(row.text, *parts) for row, *parts in zip(rows, tokens, kept["facts"], strict=True)
        ]

"""Texts as calibration sees them, read by the encoder once."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inference_server import matching
from inference_server.batching import Batcher
from inference_server.calibration.texts import Text
from inference_server.engine import Encoder
from inference_server.matching import Reading
from inference_server.service import Scorer
from tests.bench.agreement.datasets import Row
from tests.conftest import WEIGHTS

CHUNK = 512


class Reader:
    """Reads rows; with a folder it keeps what it made of them there."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.made: Scorer | None = None

    def texts(self, rows: Sequence[Row]) -> list[Text]:
        """One a row, in their order."""
        told = repr([(row.text, row.prompt, row.references) for row in rows])
        name = hashlib.sha256(told.encode()).hexdigest()[:24]
        path = self.folder / f"{name}.npz" if self.folder else None
        if path and path.exists():
            return _kept(path, rows)
        found = self._read(rows)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                path,
                tokens=np.concatenate([one.tokens for one in found]),
                ends=np.cumsum([len(one.tokens) for one in found]),
                facts=np.stack([one.facts for one in found]),
            )
        return found

    def _read(self, rows: Sequence[Row]) -> list[Text]:
        scorer = self.scorer()
        known = {text for row in rows for text in (row.prompt, *row.references) if text}
        readings: dict[str, Reading] = {}
        for part in _parts(sorted(known)):
            readings |= scorer.read(part, lambda reading: reading)
        rubrics = {}
        for row in rows:
            name = (row.prompt, row.references)
            if name not in rubrics:
                wanted = [[readings[one] for one in row.references]]
                rubrics[name] = matching.rubric(wanted, readings.get(row.prompt))
        owners = {row.text: rubrics[row.prompt, row.references] for row in rows}
        found: dict[str, Text] = {}
        for part in _parts(list(owners)):
            found |= scorer.read(
                part,
                lambda reading: Text.of(
                    reading, matching.matches(reading, owners[reading.text], 1)
                ),
            )
        return [found[row.text] for row in rows]

    def scorer(self) -> Scorer:
        """The service's own, made when it is first wanted."""
        if self.made is None:
            encoder = Encoder.load(WEIGHTS, "cpu", "int8", threads=2)
            batcher = Batcher(encoder.forward, pack_tokens=512, queue_sequences=1_000_000)
            self.made = Scorer(encoder, batcher, max_tokens=10_000_000)
        return self.made

    def close(self) -> None:
        """End the encoder's thread."""
        if self.made:
            self.made.batcher.close()


def _parts(texts: Sequence[str]) -> list[list[str]]:
    return [list(texts[i : i + CHUNK]) for i in range(0, len(texts), CHUNK)]


def _kept(path: Path, rows: Sequence[Row]) -> list[Text]:
    with np.load(path) as kept:
        tokens = np.split(kept["tokens"], kept["ends"][:-1])
        return [
            Text(row.text, *parts) for row, *parts in zip(rows, tokens, kept["facts"], strict=True)
        ]

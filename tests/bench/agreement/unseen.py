"""Questions that nobody has marked: a general model fitted to the others, beside none at all."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from inference_server import matching
from inference_server.general.facts import NAMES, facts
from inference_server.general.fit import Items, Regression
from inference_server.scoring import FULL, LEAST
from inference_server.service import Scorer
from tests.bench.agreement.datasets import Data, Row
from tests.bench.agreement.encoded import Reader
from tests.bench.agreement.measures import weighted_f1

FOLDS = 10
CHUNK = 512
HALF = 0.5
Array = np.ndarray[Any, np.dtype[Any]]


def measure(data: Data, reader: Reader) -> dict[str, Any] | None:
    """A row of all answers: by the general model, and by the uncalibrated method.

    Whole questions are left out; a set whose answers have no references tells nothing here.
    """
    rows = [row for several in data.questions.values() for row in several]
    if not all(row.references for row in rows):
        return None
    found = _kept(rows, reader)
    greatest = max(row.points for row in rows)
    most = np.array([row.most or greatest for row in rows])
    theirs = np.array([row.points for row in rows]) / most
    fold = np.array([_fold(row.question) for row in rows])
    ours = np.zeros(len(rows))
    for one in np.unique(fold):
        others = fold != one
        items = Items(found[others], theirs[others], np.ones(int(others.sum())))
        ours[~others] = Regression.fit(items).shares(found[~others])
    plain = np.clip((found[:, NAMES.index("recall")] - LEAST) / (FULL - LEAST), 0, 1)
    without = {f"uncalibrated_{k}": v for k, v in _figures(plain, theirs, most).items()}
    told = {"answers": len(rows), **_figures(ours, theirs, most), **without}
    return {"name": f"{data.name} unseen", **told}


def _figures(said: Array, theirs: Array, most: Array) -> dict[str, Any]:
    """In points where all questions have the same most, else in shares of it."""
    if set(np.unique(theirs)) <= {0.0, 1.0}:
        given = (said >= HALF).astype(float)
        return {
            "accuracy": float((given == theirs).mean()),
            "f1_weighted": weighted_f1(theirs, given),
        }
    unit = float(most[0]) if len(np.unique(most)) == 1 else 1.0
    apart = (said - theirs) * unit
    r = float(np.corrcoef(said, theirs)[0, 1])
    return {"r": r, "rmse": float(np.sqrt((apart**2).mean()))}


def _fold(question: str) -> int:
    return int.from_bytes(hashlib.sha256(question.encode()).digest()[:8]) % FOLDS


def _kept(rows: Sequence[Row], reader: Reader) -> Array:
    """[rows, facts], from the folder where it is there."""
    told = repr([(row.text, row.prompt, row.references) for row in rows])
    name = hashlib.sha256(told.encode()).hexdigest()[:24]
    path = reader.folder / f"{name}-facts.npy" if reader.folder else None
    if path and path.exists():
        return np.asarray(np.load(path))
    found = _read(rows, reader.scorer())
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, found)
    return found


def _read(rows: Sequence[Row], scorer: Scorer) -> Array:
    found = np.zeros((len(rows), len(NAMES)))
    asked: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for index, row in enumerate(rows):
        asked.setdefault((row.prompt, row.references), []).append(index)
    for (prompt, references), places in asked.items():
        known = scorer.read(
            [one for one in dict.fromkeys([prompt, *references]) if one], lambda reading: reading
        )
        rubric = matching.rubric([[known[one] for one in references]], known.get(prompt))
        texts = list(dict.fromkeys(rows[i].text for i in places))
        read: dict[str, Array | None] = {}
        for first in range(0, len(texts), CHUNK):
            use = partial(facts, wanted=rubric, criteria=1)
            read |= scorer.read(texts[first : first + CHUNK], use)
        for i in places:
            told = read[rows[i].text]
            found[i] = 0 if told is None else told[0]
    return found

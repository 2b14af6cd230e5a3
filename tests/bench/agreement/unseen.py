"""Questions that nobody has marked: a general model fitted to the others, beside none at all."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from inference_server.fitting.folds import fold_of
from inference_server.fitting.regression import Pairs, fit
from inference_server.judging.facts import NAMES, facts
from inference_server.marking.points import FULL, LEAST
from tests.bench.agreement.datasets import Data, Row
from tests.bench.agreement.encoded import Asked, Reader
from tests.bench.agreement.measures import weighted_f1

FOLDS = 10
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
    fold = np.array([fold_of(row.question, FOLDS) for row in rows])
    ours = np.zeros(len(rows))
    for one in np.unique(fold):
        others = fold != one
        pairs = Pairs(found[others], theirs[others], np.ones(int(others.sum())))
        ours[~others] = fit(pairs).shares(found[~others])
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


def _kept(rows: Sequence[Row], reader: Reader) -> Array:
    """[rows, facts], from the folder where it is there."""
    path = reader.place(rows, "-facts.npy")
    if path and path.exists():
        return np.asarray(np.load(path))
    found = _read(rows, reader)
    if path:
        np.save(path, found)
    return found


def _read(rows: Sequence[Row], reader: Reader) -> Array:
    found = np.zeros((len(rows), len(NAMES)))
    places: dict[Asked, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        places[row.prompt, row.references].append(index)
    for asked, rubric in reader.rubrics(rows).items():
        distinct = list(dict.fromkeys(rows[i].text for i in places[asked]))
        read = reader.read(distinct, partial(facts, rubric=rubric, criteria=1))
        for i in places[asked]:
            told = read[rows[i].text]
            found[i] = 0 if told is None else told[0]
    return found

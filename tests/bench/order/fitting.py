"""Fits the heads: logistic regressions of honest texts against texts without order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from scipy.optimize import minimize

from inference_server.arrays import AnyArray, Doubles, Mask
from inference_server.judging.logistic import chances
from inference_server.marking.order import NAMES
from tests.bench.order.disorder import GARBLED, STUFFED
from tests.bench.order.texts import Made

FOLDS = 5
RIDGE = 3.0
ROUNDS = 200
MOST_FLAGGED = 0.004
"""The share of any file's honest texts that a threshold flags, out of fold, at most."""
TARGETS = {"garbled": (*GARBLED,), "stuffed": (*STUFFED, "frequent")}


@dataclass(frozen=True)
class Fitted:
    """`weights` [NAMES, features] and `bias` [NAMES] of log odds."""

    weights: Doubles
    bias: Doubles

    def odds(self, rows: AnyArray) -> Doubles:
        """[texts, NAMES]."""
        odds: Doubles = rows @ self.weights.T + self.bias
        return odds


def fitted(rows: AnyArray, made: Sequence[Made]) -> Fitted:
    """Both heads from features [texts, features], each file's texts counting alike."""
    heads = [_head(rows, made, name) for name in NAMES]
    weights, bias = zip(*heads, strict=True)
    return Fitted(np.stack(weights), np.array(bias))


def _head(rows: AnyArray, made: Sequence[Made], name: str) -> tuple[Doubles, float]:
    """Honest texts against those of the head's kinds; the other head's kinds are left out."""
    own = np.array([one.is_honest or one.kind in TARGETS[name] for one in made])
    chosen = [one for one, is_own in zip(made, own, strict=True) if is_own]
    targets = np.array([not one.is_honest for one in chosen], float)
    counts = _counts(chosen)
    used = rows[own].astype(float)
    mean = np.average(used, axis=0, weights=counts)
    spread = np.sqrt(np.average((used - mean) ** 2, axis=0, weights=counts)) + 1e-9
    scaled = np.column_stack([(used - mean) / spread, np.ones(len(used))])
    ridge = np.append(np.full(rows.shape[1], RIDGE), 1e-6)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        odds = scaled @ weights
        value = counts @ (np.logaddexp(0, odds) - targets * odds) + ridge @ weights**2 / 2
        return float(value), scaled.T @ (counts * (chances(odds) - targets)) + ridge * weights

    start = np.zeros(scaled.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}).x
    weights = found[:-1] / spread
    return weights, float(found[-1] - weights @ mean)


def _counts(made: Sequence[Made]) -> Doubles:
    """How much each text counts: a file as the root of its texts, one half for the honest ones."""
    groups: dict[tuple[str, bool], int] = {}
    for one in made:
        groups[one.source, one.is_honest] = groups.get((one.source, one.is_honest), 0) + 1
    sizes: dict[str, int] = {}
    for (source, _), count in groups.items():
        sizes[source] = sizes.get(source, 0) + count
    counts = [sizes[one.source] ** 0.5 / groups[one.source, one.is_honest] for one in made]
    scaled: Doubles = np.array(counts) * len(made) / sum(counts)
    return scaled


def out_of_fold(rows: AnyArray, made: Sequence[Made], part_of: Callable[[Made], object]) -> Doubles:
    """Log odds [texts, NAMES], each by heads that saw no text of the same part."""
    parts = [part_of(one) for one in made]
    odds = np.zeros((len(made), len(NAMES)))
    for part in sorted(set(parts), key=str):
        inside: Mask = np.array([one == part for one in parts])
        seen = [one for one, is_inside in zip(made, inside, strict=True) if not is_inside]
        odds[inside] = fitted(rows[~inside], seen).odds(rows[inside])
    return odds


def fold_of(one: Made) -> int:
    """A whole question's fold; a file of sentences is cut by text."""
    name = one.question or one.text
    return int.from_bytes(sha256(name.encode()).digest()[:8]) % FOLDS


def thresholds(odds: Doubles, made: Sequence[Made]) -> Doubles:
    """[NAMES]: the lowest log odds that at most MOST_FLAGGED of any file's honest texts exceed."""
    sources = np.array([one.source for one in made])
    honest = np.array([one.is_honest for one in made])
    by_source = [
        np.quantile(odds[(sources == source) & honest], 1 - MOST_FLAGGED, axis=0)
        for source in sorted(set(sources.tolist()))
    ]
    found: Doubles = np.max(by_source, axis=0)
    return found

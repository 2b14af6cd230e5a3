"""Which fold an example is in: its prediction out of fold is by a fit to the other folds."""

from hashlib import sha256

import numpy as np

from inference_server.arrays import Indices

FOLDS = 5
ALWAYS = -1
"""The fold of what every fit learns from."""


def fold_of(text: str, folds: int = FOLDS) -> int:
    """The fold of a folded text, in [0, folds): the same in every calibration."""
    return int.from_bytes(sha256(text.encode()).digest()[:8]) % folds


def left_out(folds: Indices) -> list[int]:
    """The folds, each of which is left out once."""
    return [int(fold) for fold in np.unique(folds) if fold != ALWAYS]

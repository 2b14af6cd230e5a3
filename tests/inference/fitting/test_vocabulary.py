"""N-grams that texts have in common."""

import numpy as np

from inference_server.fitting.vocabulary import vocabulary_of
from inference_server.judging.ngrams import KINDS


def test_ngrams_are_counted_as_by_hand() -> None:
    vocabulary = vocabulary_of(["abab", "ab"], KINDS[0])
    rows = vocabulary.rows(["abab", "ab", "zz", ""]).toarray()
    common = {" a", "ab", "b ", " ab", "ab "}
    assert len(vocabulary.hashes) == len(common)
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 0])
    twice = (1 + np.log(2)) / np.sqrt(4 + (1 + np.log(2)) ** 2)
    assert np.isclose(rows[0].max(), twice)
    assert np.allclose(rows[1], 1 / np.sqrt(5))

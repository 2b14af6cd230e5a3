"""The regression behind the general calibration, on facts that are drawn."""

import numpy as np

from inference_server.fitting.regression import Pairs, fit
from inference_server.judging.facts import NAMES


def test_the_regression_finds_what_made_the_shares() -> None:
    random = np.random.default_rng(1)
    facts = random.normal(size=(4000, len(NAMES)))
    odds = facts[:, 0] * 2 - facts[:, 1] - 0.5
    shares = 1 / (1 + np.exp(-odds))
    regression = fit(Pairs(facts, shares, np.ones(len(facts))))
    assert np.abs(regression.shares(facts) - shares).mean() < 0.06


def test_nothing_counts_as_further_out_than_it_was_seen() -> None:
    random = np.random.default_rng(1)
    facts = random.normal(size=(200, len(NAMES)))
    regression = fit(Pairs(facts, (facts[:, 0] > 0).astype(np.float64), np.ones(200)))
    far = np.full((2, len(NAMES)), 1e3)
    far[1] *= 1e6
    assert regression.shares(far)[0] == regression.shares(far)[1]

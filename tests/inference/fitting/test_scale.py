"""Fine scales, of which some thresholds are learned and those between interpolated."""

import numpy as np
import pytest

from inference_server.fitting.measures import kappa
from inference_server.fitting.scale import scale_of, targets_of


@pytest.mark.parametrize("full", [0.02, 0.15])
def test_a_fine_scale_keeps_the_chances_of_its_learned_levels(full: float) -> None:
    draw = np.random.default_rng(4)
    points = np.where(draw.random(1000) < full, 20, draw.integers(0, 21, 1000)).astype(float)
    scale = scale_of(points)
    assert len(scale.learned) < len(scale.levels) - 1
    chances = np.linspace(0.95, 0.4, len(scale.learned))[None, :]
    np.testing.assert_allclose(scale.at_least(chances)[:, scale.learned - 1], chances)


def test_fine_scales_keep_all_their_levels() -> None:
    points = np.arange(60.0)
    scale = scale_of(points)
    assert (len(scale.levels), len(scale.learned)) == (60, 11)
    at_least = scale.at_least(targets_of(scale, points))
    assert (np.diff(at_least, axis=1) <= 1e-9).all()
    assert kappa(scale.expected(at_least), points) > 0.98

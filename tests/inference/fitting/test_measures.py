"""Figures of agreement over questions of different scales."""

import numpy as np

from inference_server.fitting.measures import over_questions


def test_where_people_give_all_or_nothing_it_measures_how_often_it_is_right() -> None:
    points, truth, max_points = (
        np.array(column, float) for column in ([3, 0, 5, 10], [4, 0, 0, 10], [4, 4, 10, 10])
    )
    figures = over_questions(points, truth, max_points)
    assert figures["accuracy"] == 0.75
    assert figures["exact"] == 0.5

"""What is like the answers that were marked, by limits that few of them fall below."""

import numpy as np
import pytest

from inference_server.arrays import Halves
from inference_server.fitting import support
from inference_server.fitting.lessons import Lessons
from inference_server.judging.support import Support, direction
from inference_server.judging.texts import Text

WIDTH = 24


def around(place: float, count: int, seed: int) -> list[Text]:
    """Texts whose directions lie around a place between two axes."""
    chance = np.random.default_rng(seed)
    centre = np.zeros(WIDTH)
    centre[:2] = 1 - place, place
    facts = np.zeros(5, np.float32)

    def tokens() -> Halves:
        return (centre + chance.normal(scale=0.08, size=(3, WIDTH))).astype(np.float16)

    return [Text(f"{place} {seed} {number}", tokens(), facts) for number in range(count)]


def fitted(count: int, seed: int = 0) -> Support:
    made = support.fit(Lessons.of(around(0.2, count, seed), around(0.9, 20, seed + 50)))
    assert made
    return made


@pytest.mark.parametrize("count", [30, 100, 400])
def test_few_honest_answers_and_all_others_lie_below_the_limit(count: int) -> None:
    made = fitted(count)
    assert np.mean([made.has(text) for text in around(0.2, 1000, seed=7)]) >= 0.985
    assert not any(made.has(text) for text in around(0.9, 100, seed=8))


def test_where_nothing_lies_outside_nothing_is_unlike() -> None:
    assert support.fit(Lessons.of(around(0.2, 40, seed=1))) is None


def test_a_text_without_tokens_is_unlike_and_no_fault() -> None:
    nothing = Text("", np.zeros((1, WIDTH), np.float16), np.zeros(5, np.float32))
    assert direction(nothing).tolist() == [0] * WIDTH
    assert isinstance(fitted(40).has(nothing), bool)


def test_the_same_texts_make_the_same_support() -> None:
    np.testing.assert_array_equal(fitted(60).weights, fitted(60).weights)

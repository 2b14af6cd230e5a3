"""A text longer than the encoder's window is read to its last sentence."""

from typing import Any

import numpy as np
import pytest

from inference_server.arrays import Floats
from inference_server.encoding.batching import Batcher
from inference_server.encoding.engine import Encoder
from inference_server.encoding.tokens import Tokens
from inference_server.reading import TextReader
from inference_server.scorer import Scorer
from pmscoring.base.texts import folded
from tests.fakes import FakeEncoder, vectors_of
from tests.inference import sample_texts

SOUGHT = "移行の失敗に備えて旧システムへ戻す手順と判断の期限を定めた。"
OTHER = "昼休みに食堂で食べたカレーライスは辛くておいしかったと思う。"
SIZE = 1600


def essay(last: str) -> str:
    """A section of SIZE characters that ends with this sentence."""
    body = "".join(f"{number}。{text}" for number in range(20) for text in sample_texts.JAPANESE)
    return body[: SIZE - len(last)] + last


def question() -> dict[str, Any]:
    criterion = sample_texts.QUESTION["criteria"][0] | {
        "label": "",
        "references": [SOUGHT],
        "keywords": [],
    }
    return sample_texts.QUESTION | {
        "criteria": [criterion],
        "model_answers": [],
        "max_points": 4,
        "sections": [{"label": "設問ア", "limits": {"min": None, "max": SIZE}}],
    }


@pytest.fixture(scope="module")
def essays() -> tuple[str, str]:
    return essay(SOUGHT), essay(OTHER)


def test_the_essays_differ_in_their_last_sentence_alone(essays: tuple[str, str]) -> None:
    sought, other = essays
    assert len(sought) == len(other) == SIZE
    assert sought[: -len(SOUGHT)] == other[: -len(OTHER)]


def test_it_reads_such_an_essay_in_several_windows(
    encoder: Encoder, essays: tuple[str, str]
) -> None:
    tokens = encoder.tokenise([essays[0]])[0]
    windows = encoder.windows(tokens)
    assert len(windows) > 1
    assert all(len(window) <= encoder.window for window in windows)
    assert max(end for window in windows for _, end in window.offsets) == SIZE


def mean_within(scorer: Scorer, text: str, start: int, end: int) -> Floats:
    """The unit mean of the text's token vectors in [start, end)."""
    reading = scorer.read([folded(text)], lambda reading: reading)[folded(text)]
    inside = [place for place, (a, b) in enumerate(reading.offsets) if a >= start and b <= end]
    mean: Floats = reading.vectors[inside].mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_the_last_sentence_changes_the_vectors(scorer: Scorer, essays: tuple[str, str]) -> None:
    start = SIZE - len(SOUGHT)
    whole = [mean_within(scorer, text, 0, SIZE) for text in essays]
    last = [mean_within(scorer, text, start, SIZE) for text in essays]
    assert np.dot(*whole) < 1 - 1e-5
    assert np.dot(*last) < 0.95


def test_the_last_sentence_does_not_change_what_the_first_window_says(
    scorer: Scorer, essays: tuple[str, str]
) -> None:
    first, second = (mean_within(scorer, text, 0, 300) for text in essays)
    np.testing.assert_array_equal(first, second)


def test_the_middle_layers_of_windows_count_by_their_length() -> None:
    windows = [Tokens([1] * size, [(0, 1)] * size) for size in (3, 1)]
    rows = [np.full((len(own) + 2, 4), place, np.float32) for place, own in enumerate(windows)]
    reader = TextReader(FakeEncoder(), Batcher(vectors_of, 10, 10), 10)
    reading = reader._reading("a", list(zip(windows, rows, strict=True)))
    reader.batcher.close()
    assert len(reading.vectors) == 4
    assert reading.middle is not None
    np.testing.assert_allclose(reading.middle, np.full((2, 4), 0.25))


def test_the_last_sentence_earns_its_points(scorer: Scorer, essays: tuple[str, str]) -> None:
    with_it, without = scorer.score(question(), essays)
    assert with_it["points"] > without["points"]
    [place] = with_it["criteria"][0]["evidence"]
    assert place["start"] < place["end"] == SIZE - 1
    assert place["start"] > SIZE - 3 * len(SOUGHT)


def test_a_sentence_where_two_windows_meet_earns_its_points(
    scorer: Scorer, encoder: Encoder
) -> None:
    body = essay(OTHER)
    end_of_first = encoder.windows(encoder.tokenise([body])[0])[0].offsets[-2][1]
    place = body.index("。", end_of_first - 40) + 1
    text = body[:place] + SOUGHT + body[place:]
    with_it, without = scorer.score(question(), [text, body])
    assert with_it["points"] > without["points"]

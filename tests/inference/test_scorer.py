"""The encoder is asked no more than it must be."""

from collections.abc import Sequence

import pytest

from inference_server.arrays import Floats
from inference_server.encoding.batching import Batcher, TooLarge
from inference_server.scorer import Scorer
from tests.fakes import FakeEncoder, Forward, vectors_of
from tests.inference import sample_texts


def scorer_around(encoder: FakeEncoder, forward: Forward = vectors_of) -> Scorer:
    return Scorer(encoder, Batcher(forward, pack_tokens=1024, queue_sequences=100), 10_000)


def test_it_encodes_two_equal_texts_once() -> None:
    encoder = FakeEncoder()
    sizes: list[int] = []

    def forward(sequences: Sequence[Sequence[int]]) -> list[Floats]:
        sizes.extend(map(len, sequences))
        return vectors_of(sequences)

    scorer = scorer_around(encoder, forward)
    scorer.score(
        sample_texts.QUESTION, ["要件の変更", "別", "要件の変更", " ﾖｳ件の変更", "ヨウ件の変更"]
    )
    scorer.batcher.close()
    assert [text for text in encoder.seen if "件の変更" in text] == ["要件の変更", "ヨウ件の変更"]
    assert len(sizes) == len(encoder.seen)


def test_it_encodes_a_question_once() -> None:
    encoder = FakeEncoder()
    scorer = scorer_around(encoder)
    for text in ("一", "二", "三"):
        scorer.score(sample_texts.QUESTION, [text])
    scorer.batcher.close()
    assert encoder.seen.count(sample_texts.QUESTION["criteria"][0]["references"][0]) == 1


@pytest.mark.parametrize("text", ["一" * 2001, "\ufdfa" * 120], ids=["long", "folded"])
def test_it_encodes_no_text_that_is_longer_than_its_question_takes(text: str) -> None:
    encoder = FakeEncoder()
    scorer = scorer_around(encoder)
    short = {"min": None, "max": 60, "count": "characters", "over_limit": "flag"}
    with pytest.raises(TooLarge, match="2000"):
        scorer.score(sample_texts.QUESTION | {"limits": short}, ["要件の変更", text])
    scorer.batcher.close()
    assert encoder.seen == []

"""Word order that no writer has, told from honest answers by the encoder's middle layers."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from inference_server.arrays import Floats
from inference_server.encoding.engine import Encoder
from inference_server.marking.matching import Reading
from inference_server.marking.order import HEADS, NAMES, Heads
from inference_server.scorer import Scorer
from pmscoring.base.texts import folded
from tests.bench.order import disorder
from tests.fakes import FakeEncoder
from tests.inference import sample_texts
from tests.inference.test_scorer import scorer_around

SMALL = Heads("of these layers", np.array([[1.0, 0, 0, 0], [0, 0, 0, 1.0]]), np.array([-0.5, -0.5]))


def reading(middle: Floats | None) -> Reading:
    return Reading("a", [(0, 1)], np.ones((1, 2), np.float32), np.ones(1, np.float32), middle)


def layers(*rows: tuple[float, float]) -> Floats:
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    ("middle", "flags"),
    [
        (layers((1, 0), (1, 0)), ["garbled"]),
        (layers((9, 0), (0, 9)), ["garbled", "stuffed"]),
        (layers((0, 1), (0, 1)), ["stuffed"]),
        (layers((0, 1), (1, 0)), []),
        (layers((0, 0), (0, 0)), []),
        (None, []),
    ],
)
def test_a_text_over_a_threshold_has_the_flag(middle: Floats | None, flags: list[str]) -> None:
    assert SMALL.flags(reading(middle)) == flags


def test_heads_of_other_layers_say_nothing() -> None:
    assert SMALL.suited_to("of these layers") is SMALL
    assert SMALL.suited_to("of other layers") is None
    scorer = scorer_around(FakeEncoder())
    assert scorer.heads is None
    scorer.batcher.close()


def test_heads_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "heads.safetensors"
    tensors = {"weights": SMALL.weights.astype(np.float32), "bias": SMALL.bias.astype(np.float32)}
    save_file(tensors, path, {"encoder": SMALL.encoder})
    heads = Heads.load(path)
    assert heads.encoder == SMALL.encoder
    np.testing.assert_array_equal(heads.weights, SMALL.weights)
    np.testing.assert_array_equal(heads.bias, SMALL.bias)


def test_the_heads_in_the_package_are_small_and_those_of_the_default_encoder(
    encoder: Encoder,
) -> None:
    heads = Heads.load()
    assert HEADS.stat().st_size < 20_000
    assert heads.suited_to(encoder.middle)
    assert heads.weights.shape[0] == len(heads.bias) == len(NAMES)


PAIRS = [
    [first + second for first, second in pairwise(sentences)]
    for sentences in (sample_texts.JAPANESE, sample_texts.ENGLISH)
]
JAPANESE_LIST = "利用部門 要件 確認会 欠席 責任者 役割分担 契約書 明記 作業 漏れ"
ENGLISH_LIST = "sponsor, baseline, approved, suppliers, agreed, engineers, spring, batch, written"


def flags_of(scorer: Scorer, text: str, language: str) -> list[str]:
    question = sample_texts.QUESTION | {"language": language}
    flags: list[str] = scorer.score(question, [text])[0]["flags"]
    return flags


@pytest.mark.parametrize(("language", "texts"), list(zip(["ja", "en"], PAIRS, strict=True)))
def test_it_flags_shuffled_words(
    scorer: Scorer, encoder: Encoder, language: str, texts: list[str]
) -> None:
    cut = disorder.cutter(encoder)
    for kind in ("words", "in sentences", "reversed"):
        shuffled = [folded(disorder.KINDS[kind](text, cut)) for text in texts]
        flagged = ["garbled" in flags_of(scorer, text, language) for text in shuffled]
        assert sum(flagged) >= len(flagged) - 1, kind


@pytest.mark.parametrize(("text", "language"), [(JAPANESE_LIST, "ja"), (ENGLISH_LIST, "en")])
def test_it_flags_a_list(scorer: Scorer, text: str, language: str) -> None:
    assert "stuffed" in flags_of(scorer, text, language)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_it_flags_no_sentence(scorer: Scorer, language: str) -> None:
    sentences = sample_texts.JAPANESE if language == "ja" else sample_texts.ENGLISH
    for sentence in sentences:
        assert not {"garbled", "stuffed"} & set(flags_of(scorer, sentence, language))


@pytest.mark.parametrize(
    ("text", "language"), [("の要件がを確認漏れ", "ja"), ("it scope the had baseline", "en")]
)
def test_of_a_few_words_it_says_nothing(scorer: Scorer, text: str, language: str) -> None:
    assert not {"garbled", "stuffed"} & set(flags_of(scorer, text, language))

"""Token ids are those that XLM-R's authors publish; offsets lead back to the text."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from inference_server.encoding.tokens import TextTokenizer, Tokens
from tests.inference import sample_texts

FIRST, LAST = 0, 2


@pytest.fixture(scope="module")
def tokenizer(weights: Path) -> TextTokenizer:
    return TextTokenizer(weights)


def pieces(tokenizer: TextTokenizer, text: str) -> list[tuple[str, str]]:
    """Each token's piece of the vocabulary, and the stretch of the text that it stands for."""
    tokens = tokenizer.tokenise([text])[0]
    return [
        (str(tokenizer.rust.id_to_token(token)), text[start:end])
        for token, (start, end) in zip(tokens.ids, tokens.offsets, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Hello world!", [35378, 8999, 38]),
        ("你好，世界", [6, 124084, 4, 3221]),
        ("नमस्ते दुनिया", [68700, 97883, 29405]),
        ("مرحبا بالعالم", [665, 193478, 258, 1705, 77796]),
        ("Bonjour le monde", [84602, 95, 11146]),
    ],
)
def test_it_gives_the_ids_that_the_readme_of_xlm_r_prints(
    tokenizer: TextTokenizer, text: str, ids: list[int]
) -> None:
    own = tokenizer.tokenise([text])[0].ids
    assert own[0] == FIRST
    assert own[tokenizer.head :] == [*ids, LAST]


def test_it_puts_query_before_the_text(tokenizer: TextTokenizer) -> None:
    head = pieces(tokenizer, "納期")[: tokenizer.head]
    assert head[0] == ("<s>", "")
    assert "".join(piece for piece, _ in head[1:]) == "▁query:"
    assert all(stretch == "" for _, stretch in head)


def test_it_gives_a_text_the_same_tokens_beside_any_other(tokenizer: TextTokenizer) -> None:
    together = tokenizer.tokenise(["遅れ", "a much longer text than the others", "要件の変更"])
    assert together == [
        tokenizer.tokenise([text])[0]
        for text in ("遅れ", "a much longer text than the others", "要件の変更")
    ]


@pytest.mark.parametrize(
    ("text", "piece", "stretch"),
    [
        ("元号は㍻です", "平成", "㍻"),
        ("ﾃｽﾄの結果", "テスト", "ﾃｽﾄ"),
        ("全角のＡＢＣ", "ABC", "ＡＢＣ"),
        ("店は𠮷野家", "<unk>", "𠮷"),
        ("よし👍です", "👍", "👍"),
    ],
)
def test_it_leads_back_to_the_code_points_as_written(
    tokenizer: TextTokenizer, text: str, piece: str, stretch: str
) -> None:
    assert (piece, stretch) in pieces(tokenizer, text)


@pytest.mark.parametrize(
    "text",
    [
        "ｶﾞｯﾂのある㍻生まれの𠮷田さんが👨‍👩‍👧と走った",
        "か\u3099き\u3099 ＡＢＣ　①②③ ㌔㌘",
        "The ﬁrst  milestone…",
        " 前と後に空白 ",
        *sample_texts.texts(12, 300),
    ],
)
def test_its_offsets_go_forward_and_leave_nothing_but_white_space_out(
    tokenizer: TextTokenizer, text: str
) -> None:
    spans = [span for span in tokenizer.tokenise([text])[0].offsets if span != (0, 0)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans))
    covered = {place for start, end in spans for place in range(start, end)}
    rest = [character for place, character in enumerate(text) if place not in covered]
    assert "".join(rest).strip() == ""


def test_it_reads_an_empty_text(tokenizer: TextTokenizer) -> None:
    tokens = tokenizer.tokenise([""])[0]
    assert (tokens.ids[0], tokens.ids[-1]) == (FIRST, LAST)
    assert set(tokens.offsets) == {(0, 0)}


@pytest.mark.parametrize("tag", ["<s>", "</s>", "<mask>", "<pad>"])
def test_it_reads_the_name_of_a_special_token_as_text(tokenizer: TextTokenizer, tag: str) -> None:
    assert tag not in [piece for piece, _ in pieces(tokenizer, f"a{tag}b")[1:-1]]


def long_tokens(tokenizer: TextTokenizer, size: int) -> Tokens:
    text = "".join(
        f"{number}番目の課題は要員の交代に伴う遅れである。" for number in range(size // 8)
    )
    tokens = tokenizer.tokenise([text])[0]
    assert len(tokens) > size
    head = tokenizer.head
    return Tokens(
        tokens.ids[:head] + tokens.ids[head : size - 1] + tokens.ids[-1:],
        tokens.offsets[:head] + tokens.offsets[head : size - 1] + tokens.offsets[-1:],
    )


def test_it_leaves_what_fits_in_one_window(tokenizer: TextTokenizer) -> None:
    tokens = long_tokens(tokenizer, 512)
    assert tokenizer.windows(tokens, 512) == [tokens]


@pytest.mark.parametrize("size", [513, 600, 891, 892, 893, 1200, 2400])
@pytest.mark.parametrize("window", [512, 128, 64])
def test_its_windows_overlap_and_cover_every_token(
    tokenizer: TextTokenizer, size: int, window: int
) -> None:
    tokens = long_tokens(tokenizer, size)
    head = tokenizer.head
    windows = tokenizer.windows(tokens, window)
    covered, end = 0, head
    for own in windows:
        body = own.offsets[head:-1]
        begin = tokens.offsets.index(body[0])
        assert begin <= end, "a gap"
        assert tokens.offsets[begin : begin + len(body)] == body
        assert tokens.ids[begin : begin + len(body)] == own.ids[head:-1]
        covered, end = covered + len(body), begin + len(body)
    assert end == len(tokens) - 1
    assert covered > len(tokens) - head - 1, "no overlap"
    assert len(windows) < 4 * size / window


def test_every_window_has_prefix_and_ends_and_is_full(tokenizer: TextTokenizer) -> None:
    tokens = long_tokens(tokenizer, 1200)
    for window in tokenizer.windows(tokens, 512):
        assert len(window) == 512
        assert window.ids[: tokenizer.head] == tokens.ids[: tokenizer.head]
        assert window.ids[-1] == LAST


def test_it_does_without_a_map_of_code_points(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").symlink_to(weights / "tokenizer.json")
    plain = TextTokenizer(tmp_path).tokenise(["Hello world!"])
    (tmp_path / "normaliser.json").write_text(json.dumps({}))
    assert TextTokenizer(tmp_path).tokenise(["Hello world!"]) == plain

"""Token ids of a text, with the way back to its code points."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from inference_server.arrays import Floats

PREFIX = "query: "
"""What multilingual-e5 was trained to find before a text (Wang et al. 2024)."""
OVERLAP = 128
"""Tokens that neighbouring windows share; the last two may share more, short windows half."""
SPECIAL = re.compile(r"</?[a-z]+>")
LOOKALIKE = "‹"


@dataclass(frozen=True)
class Tokens:
    """Token ids of a text or of a window of it.

    `offsets[i]` are the code points [start, end) of the text that token i stands for; (0, 0) for
    the prefix and special tokens.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)


class TextTokenizer:
    """The Rust tokenizer, behind a map of code points that normalises as the encoder expects."""

    def __init__(self, folder: Path) -> None:
        self.rust = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.rust.no_truncation()
        self.rust.no_padding()
        normaliser = folder / "normaliser.json"
        table = json.loads(normaliser.read_text()) if normaliser.exists() else {}
        self.table: dict[int, str] = {ord(key): value for key, value in table.items()}
        self.rarities = _rarities(folder)
        self.head = len(self.rust.encode(PREFIX.strip(), add_special_tokens=True).ids) - 1

    def tokenise(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text, however long."""
        mapped = [SPECIAL.sub(_as_text, text).translate(self.table) for text in texts]
        encodings = self.rust.encode_batch([PREFIX + text for text in mapped])
        return [
            Tokens(encoding.ids, self._offsets(text, target, encoding.offsets))
            for text, target, encoding in zip(texts, mapped, encodings, strict=True)
        ]

    def _offsets(
        self, text: str, mapped: str, offsets: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        shift = len(PREFIX)
        spans = [(a - shift if a > shift else 0, b - shift if b > shift else 0) for a, b in offsets]
        if mapped == text:
            return spans
        origin = self._origin(text)
        return [(origin[a], origin[b - 1] + 1) if b > a else (0, 0) for a, b in spans]

    def _origin(self, text: str) -> list[int]:
        """For each code point of the mapped text the index of the one that it was made of."""
        return [
            index
            for index, character in enumerate(text)
            for _ in self.table.get(ord(character), character)
        ]

    def windows(self, tokens: Tokens, size: int) -> list[Tokens]:
        """The sequence itself where it has at most `size` tokens, else overlapping windows of it.

        Each window has the prefix and the special tokens at both ends.
        """
        if len(tokens) <= size:
            return [tokens]
        ids, offsets = tokens.ids, tokens.offsets
        head, body = self.head, len(tokens) - self.head - 1
        room = size - head - 1
        stride = room - min(OVERLAP, room // 2)
        starts = [*range(0, body - room, stride), body - room]
        return [
            Tokens(
                ids[:head] + ids[head + start : head + start + room] + ids[-1:],
                offsets[:head] + offsets[head + start : head + start + room] + offsets[-1:],
            )
            for start in starts
        ]

    def rarity(self, ids: Sequence[int]) -> Floats:
        """The negative log probability of each token alone; 1 where the vocabulary has none."""
        if self.rarities is None:
            return np.ones(len(ids), np.float32)
        return self.rarities[np.asarray(ids, np.int64)]


def _as_text(match: "re.Match[str]") -> str:
    """What a writer typed is text, even where it looks like a special token of the encoder."""
    return match.group().replace("<", LOOKALIKE)


def _rarities(folder: Path) -> Floats | None:
    """The rarity of each token of a Unigram vocabulary, whose scores are log probabilities."""
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    if model.get("type") != "Unigram":
        return None
    return -np.array([score for _piece, score in model["vocab"]], np.float32)

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
OVERLAP = 128
SPECIAL = re.compile(r"</?[a-z]+>")
LOOKS_ALIKE = "‹"


@dataclass(frozen=True)
class Tokens:
    """One sequence: `offsets[i]` are code points of the text; (0, 0) for prefix and specials."""

    ids: list[int]
    offsets: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)


class TextTokenizer:
    """The Rust tokenizer behind the encoder's map of code points."""

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
        """One Tokens a text, however long."""
        mapped = [SPECIAL.sub(self._plain, text).translate(self.table) for text in texts]
        found = self.rust.encode_batch([PREFIX + text for text in mapped])
        return [
            Tokens(e.ids, self._offsets(text, target, e.offsets))
            for text, target, e in zip(texts, mapped, found, strict=True)
        ]

    def _plain(self, found: "re.Match[str]") -> str:
        """What a writer typed is text, also where it looks like a token of the encoder's own."""
        return found.group().replace("<", LOOKS_ALIKE)

    def _offsets(
        self, text: str, mapped: str, found: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        shift = len(PREFIX)
        spans = [(max(a - shift, 0), max(b - shift, 0)) for a, b in found]
        if mapped == text:
            return spans
        origin = self._origin(text)
        return [(origin[a], origin[b - 1] + 1) if b > a else (0, 0) for a, b in spans]

    def _origin(self, text: str) -> list[int]:
        return [
            index
            for index, character in enumerate(text)
            for _ in self.table.get(ord(character), character)
        ]

    def windows(self, tokens: Tokens, size: int) -> list[Tokens]:
        """The sequence itself where it fits, else overlapping pieces, each with prefix and ends."""
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


def _rarities(folder: Path) -> Floats | None:
    """Of a Unigram vocabulary, whose scores are log probabilities."""
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    if model.get("type") != "Unigram":
        return None
    return -np.array([score for _piece, score in model["vocab"]], np.float32)

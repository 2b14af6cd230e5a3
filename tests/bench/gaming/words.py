"""Words of a text by language, and back: what makers shuffle, list and count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

from inference_server.encoding.tokens import Tokens
from inference_server.marking.stuffing import FUNCTION_WORDS

Split = Callable[[str], list[str]]
WORD = regex.compile(r"[\p{L}\p{M}\p{N}'’-]+")
LETTER = regex.compile(r"\p{L}")
KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
HAN = regex.compile(r"\p{Han}")
CONTENT = regex.compile(r"[\p{Han}\p{Katakana}\p{Latin}\p{N}]")
SENTENCE = regex.compile(r"[^。．.!?！？\n]+[。．.!?！？]?")
LEAST_KANA = 0.05
"""Japanese is written with kana throughout; a Chinese text may quote a little."""


@dataclass(frozen=True)
class Language:
    """How a language puts words together; `pieces` finds them where no space stands between."""

    code: str
    pieces: Split

    @property
    def gap(self) -> str:
        """What stands between two words."""
        return " " if self.code == "en" else ""

    @property
    def comma(self) -> str:
        """What stands between the parts of a list."""
        return ", " if self.code == "en" else "、"

    def tokens(self, text: str) -> list[str]:
        """All of the text but white space, in order."""
        return text.split() if self.code == "en" else self.pieces(text)

    def words(self, text: str) -> list[str]:
        """The text's words without punctuation, in order."""
        if self.code == "en":
            return [word.lower() for word in WORD.findall(text)]
        return [piece for piece in self.pieces(text) if WORD.search(piece)]

    def content_words(self, text: str) -> list[str]:
        """The words that carry what the text is about, each once, in order."""
        return list(dict.fromkeys(word for word in self.words(text) if self._is_content(word)))

    def _is_content(self, word: str) -> bool:
        if self.code == "en":
            return word not in FUNCTION_WORDS
        if self.code == "zh":
            return len(word) > 1
        return CONTENT.search(word) is not None


def language_of(texts: Sequence[str]) -> str:
    """`ja`, `zh` or `en`, by the letters of all the texts."""
    joined = "".join(texts)
    letters = max(len(LETTER.findall(joined)), 1)
    if len(KANA.findall(joined)) > LEAST_KANA * letters:
        return "ja"
    return "zh" if len(HAN.findall(joined)) * 2 > letters else "en"


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return [found.strip() for found in SENTENCE.findall(text) if found.strip()]


def pieces_by(tokenise: Callable[[Sequence[str]], Sequence[Tokens]]) -> Split:
    """The pieces that the encoder's vocabulary cuts a text into: of Japanese nearly its morphemes.

    No character is in two of them, and none but white space is left out.
    """

    def pieces(text: str) -> list[str]:
        found, done = [], 0
        for start, end in tokenise([text])[0].offsets:
            if end > max(start, done):
                found.append(text[done:end].strip())
                done = end
        return [piece for piece in [*found, text[done:].strip()] if piece]

    return pieces

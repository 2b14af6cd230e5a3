"""Makes texts without order of an honest answer: shuffled ones, and lists of its words.

A text's own SHA-256 decides what is drawn, so that the same answer always makes the same texts.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import regex

from inference_server.encoding.engine import Encoder
from inference_server.marking.stuffing import FUNCTION_WORDS, JAPANESE

Cut = Callable[[str], list[str]]
"""The words or morphemes of a text; joined they are the text without its white space."""
SPACED = regex.compile(r"\S+")
RUN = regex.compile(
    r"\p{Han}+|\p{Hiragana}+|[\p{Katakana}ー]+|[\p{Latin}\p{M}'’-]+|\d+(?:[.,]\d+)*|[^\s]"
)
SENTENCE = regex.compile(r"[^。．.!?！？\n]+[。．.!?！？\n]*")
PUNCTUATION = regex.compile(r"[\p{P}\p{S}]+")
LETTERS = regex.compile(r"\p{L}")
KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
SEPARATORS_SPACED = (" ", " ", ", ", "; ", "\n")
SEPARATORS_UNSPACED = ("", " ", "、", "、", "・", "\n")
FREQUENT = 40


def is_spaced(text: str) -> bool:
    """Whether its words stand apart, as in English; not in Japanese and Chinese."""
    return len(JAPANESE.findall(text)) * 5 < len(LETTERS.findall(text))


def cutter(encoder: Encoder) -> Cut:
    """Cuts into words, or into the encoder's pieces where words do not stand apart."""

    def cut(text: str) -> list[str]:
        if is_spaced(text):
            return SPACED.findall(text)
        [tokens] = encoder.tokenise([text])
        pieces = [text[start:end] for start, end in tokens.offsets if end > start]
        return [piece for piece in pieces if piece.strip()]

    return cut


def size(text: str) -> int:
    """Words, or letters where words do not stand apart."""
    return len(SPACED.findall(text)) if is_spaced(text) else len(JAPANESE.findall(text))


def draw_of(text: str, kind: str) -> random.Random:
    """What decides at random for this text and kind."""
    return random.Random(hashlib.sha256(f"{kind}\n{text}".encode()).digest())


def shuffled_words(text: str, cut: Cut) -> str:
    """All its words or morphemes in another order, punctuation among them."""
    return _joined(_shuffled(cut(text), draw_of(text, "words")), text)


def shuffled_in_sentences(text: str, cut: Cut) -> str:
    """Each sentence's words or morphemes in another order, each sentence's end at its place."""
    draw = draw_of(text, "sentences")
    return _separator(text).join(
        _shuffled_sentence(sentence, cut, draw) for sentence in SENTENCE.findall(text)
    )


def shuffled_runs(text: str, _cut: Cut) -> str:
    """Runs of one script in another order: in Japanese nearly words and what is bound to them."""
    if not KANA.search(text):
        return text
    return _joined(_shuffled(RUN.findall(text), draw_of(text, "runs")), text)


def shuffled_characters(text: str, _cut: Cut) -> str:
    """Its characters in another order; where words stand apart, those within each word."""
    draw = draw_of(text, "characters")
    if is_spaced(text):
        return " ".join("".join(_shuffled(list(word), draw)) for word in SPACED.findall(text))
    return "".join(_shuffled(list("".join(text.split())), draw))


def reversed_words(text: str, cut: Cut) -> str:
    """Its words or morphemes from the last to the first."""
    return _joined(cut(text)[::-1], text)


def listed(text: str, cut: Cut) -> str:
    """What carries its meaning, one after the other in the order of the text."""
    draw = draw_of(text, "list")
    return _separated(content_words(text, cut), text, draw)


def listed_at_random(text: str, cut: Cut) -> str:
    """The same in any order."""
    draw = draw_of(text, "random list")
    return _separated(_shuffled(content_words(text, cut), draw), text, draw)


def listed_thrice(text: str, cut: Cut) -> str:
    """The same, three times over."""
    draw = draw_of(text, "thrice")
    words = list(dict.fromkeys(content_words(text, cut)))
    return _separated(_shuffled(words, draw) + _shuffled(words, draw) + words, text, draw)


KINDS: dict[str, Callable[[str, Cut], str]] = {
    "words": shuffled_words,
    "in sentences": shuffled_in_sentences,
    "runs": shuffled_runs,
    "characters": shuffled_characters,
    "reversed": reversed_words,
    "list": listed,
    "random list": listed_at_random,
    "thrice": listed_thrice,
}
GARBLED = ("words", "in sentences", "runs", "characters", "reversed")
STUFFED = ("list", "random list", "thrice")


def frequent(answers: Iterable[str], cut: Cut) -> list[str]:
    """The words that most of a question's answers have."""
    counts = Counter(word for text in answers for word in set(content_words(text.lower(), cut)))
    return [word for word, _ in counts.most_common(FREQUENT)]


def content_words(text: str, cut: Cut) -> list[str]:
    """Its words but function words; in Japanese runs of Han, katakana and Latin letters."""
    parts = RUN.findall(text) if is_spaced(text) or KANA.search(text) else cut(text)
    runs = [run for run in parts if LETTERS.match(run)]
    if is_spaced(text):
        return [run for run in runs if run.lower() not in FUNCTION_WORDS]
    return [run for run in runs if len(run) > 1 and not regex.match(r"\p{Hiragana}", run)]


def _shuffled(parts: Sequence[str], draw: random.Random) -> list[str]:
    return draw.sample(parts, len(parts))


def _shuffled_sentence(sentence: str, cut: Cut, draw: random.Random) -> str:
    words = cut(sentence)
    last = words.pop() if words and PUNCTUATION.fullmatch(words[-1]) else ""
    return _joined(_shuffled(words, draw), sentence) + last


def _joined(words: Iterable[str], text: str) -> str:
    return _separator(text).join(words)


def _separator(text: str) -> str:
    return " " if is_spaced(text) else ""


def _separated(words: Sequence[str], text: str, draw: random.Random) -> str:
    return draw.choice(SEPARATORS_SPACED if is_spaced(text) else SEPARATORS_UNSPACED).join(words)

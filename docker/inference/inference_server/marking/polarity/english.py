"""Clauses of English: negators mostly deny what follows them, until the clause ends."""

import re
from collections.abc import Iterator

from inference_server.marking.polarity import english_words as words
from inference_server.marking.polarity.phrases import Clause, Negator, Word

TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|\d[\d.,]*|[.,;:!?()\n]")
KEEPS = re.compile(words.KEEPS)
ENDS = words.BREAKS | words.NEUTRAL
DENIALS = words.NOT | words.NO
NEGATORS = DENIALS | words.VERBS | words.ADJECTIVES
SIGN = re.compile(rf"n't\b|\b(?:un[a-z]|(?:{'|'.join(sorted(NEGATORS))})\b)")
SHORTEST_STEM = 3
DENIED_SHARE = 0.75
"""The share of its auxiliaries that a text denies which denies throughout."""


def denies(text: str) -> bool:
    """Whether anything in the folded text in lower case may deny."""
    return bool(SIGN.search(text))


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a folded text in lower case."""
    items: list[Word | Negator] = []
    is_neutral, previous = False, ""
    denial: Negator | None = None
    for token, start, end in _tokens(text):
        if not token[0].isalnum() or token in ENDS:
            yield Clause(items, is_neutral or text[start] == "?")
            items, is_neutral, denial = [], token in words.NEUTRAL, None
        elif _is_denial(token):
            # "No, it does not" and "they do not have none" deny once, at the last word.
            items = [item for item in items if item is not denial]
            denial = Negator(start, end, is_forward=True)
            items.append(denial)
        elif token in words.VERBS or token in words.ADJECTIVES:
            items.append(Negator(start, end, is_forward=previous not in words.BE))
        elif token not in words.FUNCTION:
            items += _word(token, start, end)
        previous = token
    yield Clause(items, is_neutral)


def denials_throughout(text: str) -> list[tuple[int, int]]:
    """Where "not" stands, in a text that denies nearly all that it says; else nowhere."""
    auxiliaries, denials = 0, []
    for token, start, end in _tokens(text):
        auxiliaries += token in words.AUXILIARIES
        if token in words.NOT or token.endswith("n't"):
            denials.append((start, end))
    return denials if len(denials) >= DENIED_SHARE * auxiliaries else []


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """Words, numbers and marks that end a clause, with their code points."""
    kept = KEEPS.sub(lambda match: "_" * len(match.group()), text)
    for match in TOKEN.finditer(kept):
        yield match.group(), match.start(), match.end()


def _is_denial(token: str) -> bool:
    return token in DENIALS or token.endswith("n't")


def _word(token: str, start: int, end: int) -> list[Word | Negator]:
    if token.startswith("un") and len(token) > 5 and token not in words.UN:
        return [Word(start, end, _stem(token[2:])), Negator(start, start + 2)]
    return [Word(start, end, _stem(token), token in words.LIGHT)]


def _stem(token: str) -> str:
    for ending in words.ENDINGS:
        is_whole = ending == "s" and token.endswith("ss")
        if token.endswith(ending) and not is_whole and len(token) >= len(ending) + SHORTEST_STEM:
            return token[: -len(ending)]
    return token

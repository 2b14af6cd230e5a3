"""The question's rules as flags of an answer, and whether they leave it without points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import regex

from inference_server.marking.copying import copied_from
from inference_server.marking.sheet import Sheet
from inference_server.marking.stuffing import JAPANESE, is_long_enough, is_stuffed
from pmscoring.base import texts

LETTER = regex.compile(r"\p{L}")
OFF_TOPIC = 0.5
"""An answer whose strengths are all lower has nothing to do with the question."""
VOID = frozenset({"blank", "no_answer", "copied_prompt", "copied_passage"})
"""Flags of answers that earn no points, whoever raised them."""


@dataclass(frozen=True)
class Rules:
    """What the question's rules say of an answer; a void one earns no points."""

    flags: list[str]
    is_void: bool


def apply_rules(
    answer: str, folded: str, sheet: Sheet, best_strength: float, disorder: Sequence[str] = ()
) -> Rules:
    """The rules' word on an answer, of which `folded` is the part that is marked.

    `best_strength` is the greatest of its strengths in [-1, 1], over the criteria; `disorder` are
    the flags that the order of its words would earn were it long enough.
    """
    verdict = texts.verdict(answer, sheet.question)
    flags = _flags(folded, sheet, verdict, best_strength)
    is_void = _is_void(verdict, sheet.question, flags)
    if verdict != "blank" and folded not in sheet.model_answers:
        disordered = _disordered(folded, sheet, disorder)
        # A row of terms has no order of a sentence either.
        is_void = is_void or (bool(disordered) and not sheet.takes_lists)
        flags += disordered or _listed(folded, sheet)
    return Rules(flags, is_void)


def _flags(folded: str, sheet: Sheet, verdict: str, best_strength: float) -> list[str]:
    if verdict == "blank":
        return ["blank"]
    if sheet.no_answers.has(folded):
        return ["no_answer"]
    flags = [verdict] if verdict != "ok" else []
    if copied := copied_from(folded, sheet.sources):
        flags.append(copied)
    if not _is_in_language(folded, sheet.question["language"]):
        flags.append("wrong_language")
    # A label may name a topic in a word that no answer is near to.
    if best_strength < OFF_TOPIC and sheet.names_answers and folded not in sheet.model_answers:
        flags.append("off_topic")
    return flags


def _disordered(folded: str, sheet: Sheet, disorder: Sequence[str]) -> list[str]:
    """The flags of what makes no sentences: it earns nothing unless lists are asked for."""
    flags = set(disorder if disorder and is_long_enough(folded) else ())
    if sheet.keyword_rows.has(folded):
        flags.add("stuffed")
    return sorted(flags - {"stuffed"} if sheet.takes_lists else flags)


def _listed(folded: str, sheet: Sheet) -> list[str]:
    """The flag of what may be a list, or an answer that is only terse: it takes no points."""
    is_list = not sheet.takes_lists and is_stuffed(folded, sheet.question["language"])
    return ["stuffed"] if is_list else []


def _is_void(verdict: str, question: dict[str, Any], flags: Sequence[str]) -> bool:
    is_over = verdict == "too_long" and question["limits"]["over_limit"] == "zero"
    return is_over or not VOID.isdisjoint(flags)


def _is_in_language(folded: str, language: str) -> bool:
    """Whether the letters are those of the language; of a few letters nothing can be said."""
    letters = len(LETTER.findall(folded))
    japanese = len(JAPANESE.findall(folded))
    if letters < 10:
        return True
    return japanese * 5 >= letters if language == "ja" else japanese * 2 <= letters

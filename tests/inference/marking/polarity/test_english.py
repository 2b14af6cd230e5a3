"""What English texts affirm, deny and leave open, word by word."""

import pytest

from inference_server.marking.polarity import english


def polarities(text: str) -> dict[str, str]:
    """By its text, each word's polarity, with a star where negators stand right at it."""
    signs = {1: "+", 0: "0", -1: "-"}
    return {
        text[phrase.word.start : phrase.word.end]: signs[phrase.polarity] + "*" * phrase.is_turned
        for clause in english.clauses(text)
        for phrase in clause.phrases()
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the users confirmed the scope.", {"users": "+", "confirmed": "+", "scope": "+"}),
        ("the users did not confirm it.", {"users": "+", "confirm": "-*"}),
        ("the users didn't confirm it.", {"confirm": "-*"}),
        ("the users cannot properly confirm it.", {"confirm": "-*"}),
        ("nobody confirmed the scope.", {"confirmed": "-*", "scope": "-"}),
        ("without approval it was changed", {"approval": "-*"}),
        ("it was changed, but not approved.", {"changed": "+", "approved": "-*"}),
        ("coverage is missing.", {"coverage": "-*"}),
        ("delays were prevented.", {"delays": "-*"}),
        ("it prevents delays.", {"delays": "-*"}),
        ("it does not prevent delays.", {"delays": "+*"}),
        ("the scope is unclear.", {"unclear": "-*"}),
        ("no, it does not grow.", {"grow": "-*"}),
        ("not only the scope changed.", {"scope": "+"}),
        ("the green one, not the red", {"red": "+"}),
        ("understand the unit", {"understand": "+", "unit": "+"}),
        ("it does not grow because it is dark", {"grow": "-*", "dark": "+"}),
    ],
)
def test_it_denies_what_stands_behind_a_negator(text: str, expected: dict[str, str]) -> None:
    found = polarities(text)
    assert {word: found.get(word) for word in expected} == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("check whether they agree", "agree"),
        ("if the key does not stick", "stick"),
        ("unless they agree", "agree"),
        ("warmer than uncovered water", "water"),
        ("is it not warm?", "warm"),
    ],
)
def test_it_leaves_open_what_is_asked_supposed_or_compared(text: str, word: str) -> None:
    assert polarities(text)[word].startswith("0")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("it is not green. it does not need light and will not grow.", 3),
        ("it isn't green. it doesn't need light. it can't grow.", 3),
        ("it does not grow.", 1),
        ("it is green. it does not need light and will not grow.", 0),
        ("it is green.", 0),
        ("", 0),
    ],
)
def test_it_knows_a_text_that_denies_throughout(text: str, count: int) -> None:
    denials = english.denials_throughout(text)
    assert len(denials) == count
    assert all("n" in text[slice(*denial)] for denial in denials)


def test_its_words_lie_at_their_places() -> None:
    text = "not only the users' scope (which isn't agreed); unless they don't confirm 3 items."
    for clause in english.clauses(text):
        for phrase in clause.phrases():
            assert 0 <= phrase.start <= phrase.word.start < phrase.word.end <= phrase.end
            assert phrase.end <= len(text)

"""The differences of two texts as the desk shows them."""

import pytest

from scoring.admin.marking_page.differences import MOST_PAIRS, Piece, pieces


def test_it_shows_what_is_new_and_what_is_gone() -> None:
    assert pieces("要件の変更", "要件と変更") == [
        Piece("要件", "same"),
        Piece("の", "gone"),
        Piece("と", "new"),
        Piece("変更", "same"),
    ]


def test_it_compares_long_texts_by_lines() -> None:
    same = "あ" * 1000 + "\n"
    assert pieces(same + "い", same + "う") == [
        Piece(same, "same"),
        Piece("い", "gone"),
        Piece("う", "new"),
    ]


@pytest.mark.parametrize("repeated", ["\n", "あ\n", "あ"])
def test_it_does_not_compare_what_would_take_too_long(repeated: str) -> None:
    """Each of so many equal lines would be compared with each other one."""
    old, new = repeated * MOST_PAIRS, repeated * (MOST_PAIRS - 1)
    assert pieces(old, new) == [Piece(old, "gone"), Piece(new, "new")]
    assert pieces(old, old) == [Piece(old, "same")]

"""The order in which a page is read does not depend on the order in which it was painted."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scoring.pdf import symbols
from scoring.pdf.geometry import Run
from scoring.pdf.layout import text

SIZE = 12.0
WORDS = st.text(st.sampled_from("要件がの変更ERP20"), min_size=2, max_size=8)
"""Single characters below each other are vertical writing."""


def run(word: str, x: float, y: float) -> Run:
    """A word from left to right, whose characters are as wide as they are high."""
    return Run(word, (x, y), (x + SIZE * len(word), y), (0, SIZE), SIZE, False)


def column(sign: str, x: float, y: float) -> Run:
    return Run(sign, (x, y), (x, y - SIZE * len(sign)), (0, SIZE), SIZE, True)


@given(st.lists(WORDS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_lines_are_read_from_the_top_down(words: list[str], random: Random) -> None:
    runs = [run(word, 72, 700 - 20 * index) for index, word in enumerate(words)]
    random.shuffle(runs)
    assert text(runs, 1) == "\n".join(words)


@given(st.lists(WORDS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_columns_of_vertical_writing_are_read_from_the_right(
    words: list[str], random: Random
) -> None:
    runs = [column(word, 500 - 20 * index, 700) for index, word in enumerate(words)]
    random.shuffle(runs)
    assert text(runs, 1) == "\n".join(words)


@given(
    st.lists(WORDS, min_size=1, max_size=6),
    st.lists(WORDS, min_size=1, max_size=6),
    st.booleans(),
)
def test_columns_are_read_one_after_the_other(
    left: list[str], right: list[str], is_right_first: bool
) -> None:
    columns = [
        [run(word, 72, 700 - 20 * index) for index, word in enumerate(left)],
        [run(word, 300, 700 - 20 * index) for index, word in enumerate(right)],
    ]
    runs = [*columns[is_right_first], *columns[not is_right_first]]
    # What stands on one base line may be a row, in the same order.
    assert text(runs, 1).split() == [*left, *right]


@given(st.lists(WORDS, min_size=1, max_size=8), st.integers(0, 3))
def test_a_page_that_is_turned_reads_the_same(words: list[str], turns: int) -> None:
    def turned(point: tuple[float, float]) -> tuple[float, float]:
        for _turn in range(turns):
            point = (-point[1], point[0])
        return point

    runs = [run(word, 72, 700 - 20 * index) for index, word in enumerate(words)]
    moved = [
        Run(r.text, turned(r.start), turned(r.end), turned(r.up), r.size, r.is_vertical)
        for r in runs
    ]
    assert text(moved, 1) == text(runs, 1)


def test_a_bullet_by_libreoffice_is_a_bullet() -> None:
    assert symbols.sign("BAAAAA+OpenSymbol", 0xF095) == "•"

"""The rows of the report, and how they print."""

from typing import Any

import pytest

from tests.bench.gaming import figures
from tests.bench.gaming.marking import Seen
from tests.bench.gaming.probes import Probe


def seen(kind: str, share: float = 0.0, **more: Any) -> Seen:
    given: dict[str, Any] = {
        "set": "made.csv",
        "language": "en",
        "regime": "calibrated",
        "question": "Q1",
        "flags": [],
        "asks": False,
        "confidence": None,
        "final": False,
        "final_if_sure": False,
        "declined": False,
    }
    return Seen(kind=kind, share=share, **(given | more))


def probe(kind: str, name: str, share: float, pair: str = "", **more: Any) -> Seen:
    text = Probe(name, "en", "Q1", kind, name, pair, more.pop("of", ""))
    return seen(f"written {kind}", share, probe=text, **more)


def test_a_row_has_the_figures_of_its_kind() -> None:
    (row,) = figures.rows(
        [
            seen("filler", 1.0, confidence=0.9, final=True, final_if_sure=True),
            seen("filler", 0.5, confidence=0.5, flags=["stuffed", "too_long"], asks=True),
        ]
    )
    assert row["kind"] == "filler"
    assert (row["texts"], row["points"], row["highest"]) == (2, 0.75, 1.0)
    assert (row["confidence"], row["final"], row["asked"]) == (0.7, 0.5, 0.5)
    assert row["flags"] == {"stuffed": 0.5, "too_long": 0.5}
    assert (row["kept"], row["people"]) == (None, None)


def test_what_kept_its_points_is_told_with_and_without_those_that_ask() -> None:
    (row,) = figures.rows(
        [
            seen("shuffled_words", kept=True),
            seen("shuffled_words", kept=True, asks=True),
            seen("shuffled_words", kept=False),
            seen("shuffled_words", kept=False),
        ]
    )
    assert (row["kept"], row["kept_unasked"]) == (0.5, 0.25)


def test_sets_regimes_and_questions_have_rows_of_their_own() -> None:
    every = [
        seen("honest"),
        seen("honest", question="Q2"),
        seen("honest", regime="without marks"),
        seen("honest", set="other.csv"),
    ]
    assert [row["texts"] for row in figures.rows(every)] == [2, 1, 1]
    by_question = list(figures.rows(every, by_question=True))
    assert [row["question"] for row in by_question] == ["Q1", "Q2", "Q1", "Q1"]


def test_reversals_are_set_beside_their_right_counterparts() -> None:
    every = [
        probe("right", "a", 1.0, confidence=0.9),
        probe("right", "b", 1.0, confidence=0.9, asks=True),
        probe("reversal", "not a", 1.0, "a", of="negation", confidence=0.8),
        probe("reversal", "not b", 1.0, "b", of="number", confidence=0.4, asks=True),
        probe("reversal", "nor b", 0.5, "b", of="number", confidence=0.9, people=0.5),
        probe("reversal", "nor c", 1.0, "c", of="number"),
        probe("paraphrase", "d", 1.0),
        probe("stuffed", "e", 1.0, asks=True),
    ]
    rows = {row["kind"]: row for row in figures.reversals(every)}
    assert rows["reversals"]["pairs"] == 3
    assert rows["reversals"]["as_many"] == pytest.approx(2 / 3)
    assert rows["reversals"]["unasked"] == pytest.approx(1 / 3)
    assert rows["reversals"]["overmarked"] == pytest.approx(2 / 3)
    assert rows["reversals"]["sure"] == pytest.approx(1 / 3)
    assert rows["reversals of negation"]["unasked"] == 1
    assert rows["reversals of number"]["unasked"] == 0
    assert (rows["right texts"]["texts"], rows["right texts"]["asked"]) == (3, 1 / 3)


def test_a_reversal_without_points_fools_nobody() -> None:
    every = [probe("right", "a", 0.0), probe("reversal", "not a", 0.0, "a")]
    row = next(iter(figures.reversals(every)))
    assert (row["pairs"], row["as_many"], row["unasked"]) == (1, 0, 0)


def test_a_pair_is_compared_within_its_own_trial() -> None:
    first = [probe("right", "a", 1.0), probe("reversal", "not a", 0.5, "a")]
    second = [probe("reversal", "not a", 0.5, "a"), probe("right", "a", 0.5)]
    row = next(iter(figures.reversals([*first, *second])))
    assert (row["pairs"], row["as_many"]) == (2, 0.5)


def test_the_table_has_a_head_for_each_regime_and_a_line_for_each_kind(
    capsys: pytest.CaptureFixture[str],
) -> None:
    every = [
        seen("honest", 0.4, regime="without marks"),
        seen("filler", 1.0, flags=["too_long"], asks=True, confidence=0.25),
        probe("right", "a", 1.0),
        probe("reversal", "b", 1.0, "a"),
    ]
    figures.show(list(figures.rows(every)), list(figures.reversals(every)))
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert "made.csv (en), without marks" in lines
    assert "made.csv (en), calibrated" in lines
    (filler,) = (line.split() for line in lines if line.startswith("filler"))
    assert filler[1:4] == ["1", "1.000", "1.000"]
    assert filler[-2:] == ["too_long", "1.000"]
    assert ".250" in filler
    assert "reversals: pairs 1  as_many 1.000  unasked 1.000  overmarked 1.000" in printed

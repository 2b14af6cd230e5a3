"""What the heads for word order are fitted to, and that nothing leaks from one part to another."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inference_server.arrays import Floats
from tests.bench.order import disorder, fitting
from tests.bench.order.texts import Made, gather

ENGLISH = "The users did not confirm the plan. Nobody had told them of it in spring."
JAPANESE = "K社の担当者が設計の内容を理解するため、PMOのレビュー会を開いた。"
CHINESE = "顺序表的存储空间连续，插入和删除需要移动元素。"
HEADER = "question,text,points\n"


def cut(text: str) -> list[str]:
    if disorder.is_spaced(text):
        return text.split()
    return [text[place : place + 2] for place in range(0, len(text), 2)]


@pytest.mark.parametrize("text", [ENGLISH, JAPANESE, CHINESE])
@pytest.mark.parametrize("kind", disorder.GARBLED)
def test_a_shuffle_has_the_characters_of_its_text_and_is_always_the_same(
    text: str, kind: str
) -> None:
    made = disorder.KINDS[kind](text, cut)
    assert made == disorder.KINDS[kind](text, cut)
    assert Counter(made) - Counter(" ") == Counter(text) - Counter(" ")
    assert (made == text) is (kind == "runs" and text != JAPANESE)


@pytest.mark.parametrize("kind", disorder.STUFFED)
def test_a_list_has_the_words_that_carry_the_meaning(kind: str) -> None:
    english, japanese = (disorder.KINDS[kind](text, cut) for text in (ENGLISH, JAPANESE))
    assert {"users", "confirm", "plan", "told", "spring"} < set(english.replace(",", " ").split())
    assert not {"The", "did", "not"} & set(english.split())
    assert all(word in japanese for word in ("担当者", "設計", "PMO", "レビュー"))
    assert "の" not in japanese


def test_it_takes_answers_by_the_columns_and_makes_others_of_the_good_ones(tmp_path: Path) -> None:
    text = f"{ENGLISH} The contract named neither budget nor deadline."
    (tmp_path / "marked.csv").write_text(HEADER + f"1,{text},2\n1,{text}!,0\n1,Short,2\n")
    (tmp_path / "pairs.csv").write_text(f"a,b\n{JAPANESE},{CHINESE}\n")
    (tmp_path / "other.csv").write_text("name\nnobody\n")
    marked, pairs, sample = gather(tmp_path, 100, 100, cut)
    honest = [one for one in marked if one.is_honest]
    assert sorted(one.share for one in honest) == [0, 1]
    assert {one.kind for one in marked} == {"honest", *disorder.KINDS} - {"runs"}
    assert all(one.share == 1 for one in marked if not one.is_honest)
    assert {one.question for one in pairs} == {""}
    assert sample[0].source == "sample"


def test_it_takes_fewer_of_long_texts(tmp_path: Path) -> None:
    rows = "".join(f"1,{number} {'a long answer ' * 200},2\n" for number in range(9))
    (tmp_path / "marked.csv").write_text(HEADER + rows)
    marked, _ = gather(tmp_path, 9, 0, cut)
    assert len(marked) == 1


def drawn(per_kind: int, seed: int) -> tuple[Floats, list[Made]]:
    """Texts of two files whose first feature tells shuffles, and the second lists."""
    chance = np.random.default_rng(seed)
    made = [
        Made(source, f"q{number % 7}", kind, 1.0, f"{source} {kind} {number}")
        for source in ("x/one.csv", "y/two.csv")
        for kind in ("honest", "words", "list")
        for number in range(per_kind)
    ]
    rows = chance.normal(size=(len(made), 4))
    for row, one in zip(rows, made, strict=True):
        row[0] += 6 * (one.kind == "words")
        row[1] += 6 * (one.kind == "list")
    return rows.astype(np.float32), made


def test_heads_tell_what_they_are_fitted_to_on_questions_they_did_not_see() -> None:
    rows, made = drawn(200, seed=1)
    odds = fitting.out_of_fold(rows, made, fitting.fold_of)
    over = odds > fitting.thresholds(odds, made)
    kinds = np.array([one.kind for one in made])
    sources = np.array([one.source for one in made])
    assert over[kinds == "words", 0].mean() > 0.9
    assert over[kinds == "list", 1].mean() > 0.9
    for source in set(sources.tolist()):
        honest = over[(kinds == "honest") & (sources == source)]
        assert honest.mean(axis=0).max() <= fitting.MOST_FLAGGED + 1 / 200


@pytest.mark.parametrize("part_of", [fitting.fold_of, lambda one: one.source])
def test_no_text_is_judged_by_heads_that_saw_its_part(
    monkeypatch: pytest.MonkeyPatch, part_of: Callable[[Made], object]
) -> None:
    rows, made = drawn(20, seed=2)
    seen: list[set[object]] = []

    def record(some: Floats, own: list[Made]) -> fitting.Fitted:
        seen.append({part_of(one) for one in own})
        return fitting.Fitted(np.zeros((2, 4)), np.zeros(2))

    monkeypatch.setattr(fitting, "fitted", record)
    fitting.out_of_fold(rows, made, part_of)
    parts = {part_of(one) for one in made}
    assert len(seen) == len(parts)
    assert all(len(parts - own) == 1 for own in seen)

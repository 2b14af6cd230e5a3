"""Marked questions of a folder, and texts that were written to fool the machine."""

import json
from pathlib import Path

from tests.bench.gaming import probes, questions
from tests.bench.gaming.probes import Probe
from tests.scoring.gaming.made import question

CSV = """\
question,prompt,reference,text,points,max_points
1,Why?,Because,because it is so,2.5,5
1,Why?,Because,no,0,5
1,Why?,Because,No,0,5
2,为什么,因为,因为它是这样的,5,5
"""


def test_files_are_known_by_their_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "b.csv").write_text("text,colour\nno,blue\n")
    ((first, second),) = questions.of_folder(tmp_path)
    assert (first.set, first.code, first.language, first.most) == ("a.csv", "1", "en", 5)
    assert (first.wire["step"], first.wire["criteria"][0]["points"]) == (0.5, 5)
    assert [one.points for one in first.answers] == [2.5, 0, 0]
    # The product knows two languages, of which one has no white space.
    assert (second.language, second.wire["language"]) == ("zh", "ja")
    assert first.is_told


def test_a_set_without_references_is_told_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("set,text,points\n1,so,1\n1,no,0\n")
    (((first,),)) = questions.of_folder(tmp_path)
    assert not first.is_told


def test_each_text_counts_once() -> None:
    for one in questions.of_sample():
        texts = [answer.text for answer in one.answers]
        assert len(set(texts)) == len(texts)
        assert all(text.strip() for text in texts)


def test_questions_are_chosen_from_the_whole_set() -> None:
    several = [question(f"Q{n}") for n in range(10)]
    assert [one.code for one in questions.chosen(several, 3)] == ["Q0", "Q3", "Q6"]
    assert questions.chosen(several, None) == several


def test_written_texts_are_read_where_they_are_there(tmp_path: Path) -> None:
    assert probes.written(tmp_path) == []
    line = {"id": "a", "language": "ja", "question": "Q1", "kind": "reversal", "text": "否"}
    lines = [
        line | {"pair": "b", "of": "negation", "more": 1, "earns": []},
        line | {"id": "b", "kind": "right"},
    ]
    (tmp_path / "probes.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert probes.written(tmp_path) == [
        Probe("a", "ja", "Q1", "reversal", "否", pair="b", of="negation", earns=[]),
        Probe("b", "ja", "Q1", "right", "否"),
    ]


def test_a_written_text_earns_the_points_of_the_criteria_that_it_meets() -> None:
    criteria = [{"code": "C1", "points": 4}, {"code": "C2", "points": 2}]
    text = Probe("a", "ja", "Q1", "right", "正", earns=["C1"])
    assert text.share({"max_points": 5, "criteria": criteria}) == 0.8


def test_the_english_definition_is_taken_where_it_is_there(tmp_path: Path) -> None:
    ours = [question("Q1"), question("Q2")]
    assert probes.in_english(ours, tmp_path) == []
    asked = {"code": "Q1", "label": "1", "prompt": "Why?", "max_points": 4, "criteria": []}
    (tmp_path / "exam.en.json").write_text(json.dumps({"questions": [asked]}))
    (found,) = probes.in_english(ours, tmp_path)
    assert (found.code, found.language, found.wire["language"]) == ("Q1", "en", "en")
    assert (found.wire["prompt"], found.answers) == ("Why?", [])

"""Tables by the headings, separators and shapes that people send."""

from pathlib import Path
from typing import Any

import pytest

from scoring.documents import BadDocument, Skipped, Unreadable
from scoring.results import EXPORTS
from tests.scoring.documents import reading

pytestmark = pytest.mark.usefixtures("english")
QUESTIONS = {"Q1": "Q1", "Q2": "Q2", "設問1(2)": "Q2"}
ROW = {"candidate": "j1", "question": "Q1", "text": "要件"}


def read(data: str, path: Path, encoding: str = "utf-8", name: str = "a.csv") -> list[Any]:
    (path / "stored").write_bytes(data.encode(encoding))
    return [(place.line, row) for place, row in reading.rows(name, path / "stored", QUESTIONS)]


@pytest.mark.parametrize(
    "headings",
    [
        "受験者,設問,解答",
        "受験番号,設問番号,解答文",
        "受験者 番号,問題,回答",
        "ｃａｎｄｉｄａｔｅ,ｑｕｅｓｔｉｏｎ,ｔｅｘｔ",
        "Candidate_,QUESTION, Text ",
        '"受験者","設問","答案"',
    ],
)
def test_it_knows_the_headings_that_people_use(tmp_path: Path, headings: str) -> None:
    assert read(f"{headings}\r\nj1,Ｑ１,要件\r\n", tmp_path, "cp932") == [(2, ROW)]


def test_it_knows_the_japanese_headings_of_our_own_exports(tmp_path: Path) -> None:
    [table, _totals] = EXPORTS["results"].tables
    own = [table.headings[name] for name in ("candidate", "attempt", "question")]
    data = f"{','.join(own)},解答\nj1,２,設問１（２）,要件\n"
    assert read(data, tmp_path) == [(2, ROW | {"question": "Q2", "attempt": 2})]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("declares", [False, True])
def test_it_finds_the_separator(tmp_path: Path, separator: str, declares: bool) -> None:
    table = f"candidate{separator}question{separator}text\r\nj1{separator}Q1{separator}要件\r\n"
    head = f"sep={separator}\r\n" if declares else ""
    assert read(head + table, tmp_path) == [(2 + declares, ROW)]


@pytest.mark.parametrize("name", ["a.tsv", "a.txt"])
def test_it_reads_the_unicode_text_of_a_spreadsheet(tmp_path: Path, name: str) -> None:
    data = "candidate\tquestion\ttext\r\nj1\tQ1\t要件\r\n"
    assert read(data, tmp_path, "utf-16", name) == [(2, ROW)]


def test_separators_inside_a_text_stay(tmp_path: Path) -> None:
    data = 'candidate;question;text\nj1;Q1;"a, b; ""c"""\n'
    assert read(data, tmp_path) == [(2, ROW | {"text": 'a, b; "c"'})]


def test_a_title_above_the_headings_is_skipped_and_named(tmp_path: Path) -> None:
    data = "2026年度 秋期 午後,,\n\n受験者数,1,\ncandidate,question,text\nj1,Q1,要件\n"
    assert read(data, tmp_path) == [
        (1, Skipped("above the headings, not read")),
        (3, Skipped("above the headings, not read")),
        (5, ROW),
    ]


def test_a_wide_table_has_a_column_for_each_code_or_label(tmp_path: Path) -> None:
    data = "受験番号,Q1,設問1(2)\nj1,要件,合意\n"
    assert read(data, tmp_path) == [(2, ROW), (2, ROW | {"question": "Q2", "text": "合意"})]


@pytest.mark.parametrize(
    ("headings", "reason"),
    [
        ("受験番号,Q1,氏名", "line 1: column 氏名 is unknown"),
        ("受験番号,Q1,Ｑ１", "column Q1 appears twice"),
        ("受験番号,Q8,Q9", r"column question \(設問\) is missing"),
        ("受験者,設問,解答,得点", "column 得点 is unknown"),
        ("a,b,c", "no headings were found"),
        ("j1,Q1,要件", "no headings were found"),
    ],
)
def test_it_says_which_headings_are_wrong(tmp_path: Path, headings: str, reason: str) -> None:
    with pytest.raises(BadDocument, match=reason):
        read(f"{headings}\nj1,Q1,要件\n", tmp_path)


@pytest.mark.parametrize("word", ["1", "１", "TRUE", "欠席", "○"])
def test_an_absent_candidate_is_marked_in_a_column(tmp_path: Path, word: str) -> None:
    data = f"candidate,question,text,欠席\nj1,Q1,,{word}\nj2,Q1,要件,\nj3,,,{word}\n"
    assert read(data, tmp_path) == [
        (2, {"candidate": "j1", "absent": True}),
        (3, ROW | {"candidate": "j2"}),
        (4, {"candidate": "j3", "absent": True}),
    ]


@pytest.mark.parametrize("word", ["欠席", "（欠席）", " 欠 席 "])
def test_an_absence_is_no_answer(tmp_path: Path, word: str) -> None:
    path = tmp_path / "stored"
    path.write_text(f"受験番号,Q1\nj1,{word}\nj2,欠席者への説明\n", "utf-8")
    (_, refused), (_, read) = reading.rows("a.csv", path, {"Q1": "Q1"})
    assert (refused.candidate, refused.pointer) == ("j1", "/text")
    assert refused.reason == "an absence is no answer; mark it in a column 欠席 (absent)"
    assert read["text"] == "欠席者への説明"


def test_an_absent_candidate_has_no_answers(tmp_path: Path) -> None:
    data = "candidate,question,text,absent\nj1,Q1,要件,1\nj2,Q1,要件,maybe\n"
    assert read(data, tmp_path) == [
        (2, Unreadable("an absent candidate has no answers", "j1", 1, "/absent")),
        (
            3,
            Unreadable(
                "1 for an absent candidate is expected here, or nothing", "j2", 1, "/absent"
            ),
        ),
    ]


def test_a_value_without_a_heading_is_not_dropped(tmp_path: Path) -> None:
    data = "candidate,question,,text\nj1,Q1,追記,要件\nj1,Q2,,要件,\n"
    (_, bad), (_, good) = read(data, tmp_path)
    assert bad == Unreadable("a value in column C, which has no heading", "j1")
    assert good == ROW | {"question": "Q2"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('j1,Q1,"要件', "line 2: a quotation mark is opened and never closed"),
        ('j1,Q1,"要"件"', "line 2: text after a closing quotation mark"),
        (f"j1,Q1,{'a' * 140_000}", "line 2: a cell of more than 131072 characters"),
    ],
)
def test_faults_of_quotation_are_told_in_our_own_words(
    tmp_path: Path, line: str, reason: str
) -> None:
    with pytest.raises(BadDocument, match=reason):
        read(f"candidate,question,text\n{line}\n", tmp_path)

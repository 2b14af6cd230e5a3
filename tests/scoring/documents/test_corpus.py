"""The same answers in each kind of file are the same texts: a share of them, in each kind.

All of them, with their marks: `make bench-corpus`.
"""

from pathlib import Path

import pytest

from pmscoring.base import texts
from tests.bench import sample
from tests.scoring.documents import corpus, reading

SHARE = 29
OURS = [name for name in corpus.WRITERS if not name.startswith(("libreoffice", "xlsxwriter"))]


@pytest.fixture(scope="module")
def some() -> list[corpus.Answer]:
    """Every SHARE-th answer, of each question."""
    return list(corpus.answers())[::SHARE]


@pytest.mark.parametrize("name", OURS)
def test_the_same_answers_are_the_same_texts(
    name: str, some: list[corpus.Answer], tmp_path: Path
) -> None:
    written = [answer for answer in some if corpus.has_text(name, answer.text)]
    (tmp_path / "stored").write_bytes(corpus.WRITERS[name](written))
    wires = {question.code: question.wire for question in sample.questions()}
    read = {}
    for _, row in reading.rows(name, tmp_path / "stored", {code: code for code in wires}):
        assert isinstance(row, dict), row
        read[texts.identifier(row["candidate"]), row["question"]] = row.get("text", "")
    for candidate, code, text in written:
        key = texts.text_key(read.pop((candidate, code), ""), wires[code])
        assert key == texts.text_key(text, wires[code]), (candidate, code)
    assert not read

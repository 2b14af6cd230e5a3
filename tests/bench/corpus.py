"""Whether the sample exam's answers earn the same marks from each kind of file.

`make bench-corpus`. A row for each kind: how many answers were read, how many of them are other
texts than those that were written, and how many got other marks. Kinds that need a program which
is not there are named with what they need.
"""

import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django

from inference_server.encoding.batching import Batcher
from inference_server.encoding.engine import Encoder, choose
from inference_server.scorer import Scorer
from pmscoring.base import texts
from tests.bench import sample
from tests.bench.report import write
from tests.paths import WEIGHTS
from tests.scoring.documents import corpus, reading

Read = dict[tuple[str, str], str]
"""Texts by candidate and question."""


def main() -> None:
    """Read every kind of file, mark what was read, print the table and write it."""
    django.setup()
    wires = {question.code: question.wire for question in sample.questions()}
    answers = list(corpus.answers())
    missing = {name: corpus.missing(name) for name in corpus.WRITERS}
    read = {name: _read(name, answers) for name in corpus.WRITERS if not missing[name]}
    written = {(answer.candidate, answer.question): answer.text for answer in answers}
    marks = _marks([written, *read.values()], wires)
    rows = []
    for name, found in read.items():
        wanted = [answer for answer in answers if corpus.has_text(name, answer.text)]
        pairs = [(a.question, a.text, found.get((a.candidate, a.question))) for a in wanted]
        rows.append(
            {
                "file": name,
                "answers": len(wanted),
                "read": len(found),
                "other_texts": sum(
                    text is None
                    or texts.text_key(text, wires[code]) != texts.text_key(was, wires[code])
                    for code, was, text in pairs
                ),
                "other_marks": sum(
                    text is None or marks[code, text] != marks[code, was]
                    for code, was, text in pairs
                ),
            }
        )
    _print(rows, {name: reason for name, reason in missing.items() if reason})
    write("corpus", rows)
    sys.exit(any(row["other_marks"] or row["read"] != row["answers"] for row in rows))


def _read(name: str, answers: list[corpus.Answer]) -> Read:
    """What is read of the answers in one kind of file; a row that is refused is printed."""
    written = [answer for answer in answers if corpus.has_text(name, answer.text)]
    found: Read = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "stored"
        path.write_bytes(corpus.WRITERS[name](written))
        codes = {answer.question: answer.question for answer in answers}
        for place, row in reading.rows(name, path, codes):
            if isinstance(row, dict):
                candidate = texts.identifier(row["candidate"])
                found[candidate, row["question"]] = row.get("text", "")
            else:
                print(f"{name}, {place.row()}: {row.reason}", file=sys.stderr)
    return found


def _marks(read: list[Read], wires: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """The points of each text, and those of its criteria, by question."""
    by_question: dict[str, set[str]] = defaultdict(set)
    for found in read:
        for (_, code), text in found.items():
            by_question[code].add(text)
    encoder = Encoder.load(WEIGHTS, *choose("cpu", "auto"), threads=2)
    batcher = Batcher(encoder.forward, 4096, 1_000_000)
    scorer = Scorer(encoder, batcher, 10_000_000)
    marks = {}
    for code, distinct in by_question.items():
        ordered = sorted(distinct)
        for text, mark in zip(ordered, scorer.score(wires[code], ordered), strict=True):
            points = [criterion["points"] for criterion in mark["criteria"]]
            marks[code, text] = (mark["points"], points, mark["flags"])
    batcher.close()
    return marks


def _print(rows: list[dict[str, Any]], missing: dict[str, str]) -> None:
    for row in rows:
        print(
            f"{row['file']:24} {row['answers']:5} answers {row['read']:5} read"
            f" {row['other_texts']:5} other texts {row['other_marks']:5} other marks"
        )
    for name, reason in missing.items():
        print(f"{name:24} not run: {reason}")


if __name__ == "__main__":
    main()

"""`make bench-gaming DATA=FOLDER`: what dishonest texts earn, beside honest answers.

A CSV file counts when it has columns question (or set), text, and points (or correct); the sample
exam follows. Without marks only sets with references are tried. Of each question the texts of each
kind are made from marked answers, the same in every run, and marked as the product marks them.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
django.setup()

from tests.bench.agreement.encoded import Reader  # noqa: E402
from tests.bench.gaming import figures, probes, questions  # noqa: E402
from tests.bench.gaming.makers import MAKERS  # noqa: E402
from tests.bench.gaming.marking import HONEST, Bench, Bounds, Seen  # noqa: E402
from tests.bench.gaming.questions import Question  # noqa: E402
from tests.bench.gaming.words import pieces_by  # noqa: E402
from tests.bench.report import write  # noqa: E402

REGIMES = ("plain", "calibrated")


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("make bench-gaming", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="a folder of CSV files")
    parser.add_argument("--questions", type=int, help="at most so many of a set")
    parser.add_argument("--each", type=int, default=Bounds.each, help="texts of a kind")
    parser.add_argument("--honest", type=int, default=Bounds.honest, help="honest answers")
    parser.add_argument("--marks", type=marks, help="how many a calibration is fitted to, or all")
    parser.add_argument("--folds", type=int, default=Bounds.folds, help="of five, left out in turn")
    parser.add_argument("--only", default="", help="sets whose name has this in it")
    parser.add_argument("--regimes", nargs="+", choices=REGIMES, default=REGIMES)
    parser.add_argument("--kinds", nargs="+", choices=[HONEST, *MAKERS], default=[HONEST, *MAKERS])
    return parser.parse_args(arguments)


def marks(written: str) -> int | None:
    """A number of marks; None for all."""
    return None if written == "all" else int(written)


def sets(asked: argparse.Namespace) -> Iterator[list[Question]]:
    """The questions of each set that was asked for."""
    for own in questions.of_folder(asked.data) if asked.data else ():
        if asked.only in own[0].set:
            yield questions.chosen(own, asked.questions)
    if asked.only in questions.SAMPLE:
        yield questions.chosen(questions.of_sample(), asked.questions)


def seen_of(bench: Bench, own: Sequence[Question], regimes: Sequence[str]) -> Iterator[Seen]:
    """A set under each regime; the sample exam with what was written to fool the machine."""
    texts = probes.written() if own[0].set == questions.SAMPLE else []
    if "plain" in regimes and all(one.is_told for one in own):
        yield from bench.plain(own, texts)
        if texts:
            yield from bench.plain(probes.in_english(own), texts)
    if "calibrated" in regimes:
        yield from bench.calibrated(own, texts)


def main() -> None:
    """Measure set by set, print each and write all."""
    asked = parsed()
    bounds = Bounds(asked.kinds, asked.each, asked.honest, asked.marks, asked.folds)
    reader = Reader(None)
    bench = Bench(reader.scorer(), pieces_by(reader.scorer().encoder.tokenise), bounds)
    print(figures.EXPLAINED)
    told: list[figures.Row] = []
    for own in sets(asked):
        seen = list(seen_of(bench, own, asked.regimes))
        every, pairs = list(figures.rows(seen)), list(figures.reversals(seen))
        figures.show(every, pairs)
        told += [*every, *figures.rows(seen, by_question=True), *pairs]
        write("gaming", told)
    reader.close()


if __name__ == "__main__":
    main()

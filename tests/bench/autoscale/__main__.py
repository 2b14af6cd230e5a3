"""`make bench-autoscale`: policies in a simulated service, beside an oracle.

Every scenario is drawn with several seeds and run under each control; figures are means, and
ratios are of the means. The queue itself is measured against what is known of such queues.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.autoscale.comparing import ORACLE, Drawn, compared
from tests.bench.autoscale.known import erlang, servers_that_start
from tests.bench.autoscale.recordings import HERE, scenarios
from tests.bench.autoscale.scenarios import SCENARIOS, Scenario
from tests.bench.report import write

Row = dict[str, Any]
SEEDS = 3
"""As the tables of docs/scaling.md are made."""
FIGURES = ("arrived", "late", "lost", "again", "replica_hours", "changes", "response")
FLUID = ("fluid_late", "fluid_hours")
"""Of the oracle alone: what it could have at best."""
WIDTHS = (24, 9, 9, 8, 9, 9, 9)
HEADS = ("", "late", "x oracle", "lost", "hours", "x oracle", "changes")


def summed_up(rows: Sequence[Row]) -> list[Row]:
    """Means over the seeds of one scenario, with the ratios to the oracle's."""
    names = list(dict.fromkeys(row["control"] for row in rows))
    means = [_means([row for row in rows if row["control"] == name]) for name in names]
    best = next(row for row in means if row["control"] == ORACLE)
    return [{**row, **_ratios(row, best)} for row in means]


def _means(rows: Sequence[Row]) -> Row:
    keys = [key for key in (*FIGURES, *FLUID) if key in rows[0]]
    figures = {key: round(statistics.fmean(row[key] for row in rows), 3) for key in keys}
    return {"scenario": rows[0]["scenario"], "control": rows[0]["control"], **figures}


def _ratios(row: Row, best: Row) -> Row:
    late = row["late"] / best["late"] if best["late"] else None
    hours = row["replica_hours"] / best["replica_hours"]
    return {
        "late_to_oracle": None if late is None else round(late, 3),
        "hours_to_oracle": round(hours, 3),
    }


def show(scenario: Scenario, rows: Sequence[Row]) -> None:
    """One scenario as a table."""
    arrived = round(rows[0]["arrived"])
    print(f"\n{scenario.name} ({scenario.service}, {arrived:,} arrivals)")
    print(_line(HEADS))
    for row in rows:
        late = row["late_to_oracle"]
        words = (
            row["control"],
            f"{row['late']:,.0f}",
            "-" if late is None else f"{late:.2f}",
            f"{row['lost']:,.0f}",
            f"{row['replica_hours']:.2f}",
            f"{row['hours_to_oracle']:.2f}",
            f"{row['changes']:.1f}",
        )
        print(_line(words), flush=True)


def _line(words: Sequence[str]) -> str:
    pairs = zip(words, WIDTHS, strict=True)
    first, *others = (f"{word:>{width}}" for word, width in pairs)
    return words[0].ljust(len(first)) + "".join(others)


def main() -> None:
    """The command line: some scenarios by a part of their name, all unless told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of scenarios")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--recorded", type=Path, default=HERE, help="a file of autoscale --export")
    parser.add_argument("--no-queue", action="store_true", help="leave the known queues out")
    options = parser.parse_args()
    rows: list[Row] = []
    if not options.no_queue:
        for row in (*erlang(), *servers_that_start()):
            print(row, flush=True)
            rows.append(row)
    for scenario in (*SCENARIOS, *scenarios(options.recorded)):
        if options.names and not any(name in scenario.name for name in options.names):
            continue
        seeds = range(1, options.seeds + 1)
        drawn = [row for seed in seeds for row in compared(Drawn(scenario, seed))]
        summary = summed_up(drawn)
        show(scenario, summary)
        rows += summary
    print(write("autoscale", rows))


if __name__ == "__main__":
    main()

"""Figures of what was seen: a row for each kind, and one for the reversals; and how they print."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from statistics import mean
from typing import Any

from tests.bench.gaming.marking import SURE, WRITTEN, Seen

Row = dict[str, Any]
Pair = tuple[Seen, Seen]
REVERSAL, RIGHT = WRITTEN + "reversal", (WRITTEN + "right", WRITTEN + "paraphrase")
COLUMNS = {
    "texts": "texts",
    "points": "points",
    "highest": "highest",
    "people": "people",
    "kept": "kept",
    "kept_unasked": "unasked",
    "asked": "asked",
    "confidence": "sure",
    "final": "final",
    "final_if_sure": f"at {SURE}",
    "declined": "declined",
}
"""The names of a row, and the headings of the table."""
EXPLAINED = f"""\
Shares of 1. points: of the points, by the machine; highest: the most that one of the texts has;
people: by people, or what a written text earns; kept: texts that have as many points as the answer
that they were made from, and unasked those of them without a flag that asks for a person; asked:
texts with such a flag; sure: mean confidence; final: marks that would be final under the threshold
that the product proposes, and under one of {SURE} that a person sets; declined: texts under
calibrations that support no threshold; then each flag."""


def rows(seen: Sequence[Seen], *, by_question: bool = False) -> Iterator[Row]:
    """A row for each kind of each set, language and regime, in the order in which they were seen.

    With `by_question`, one for each question of them.
    """
    groups: dict[tuple[str, ...], list[Seen]] = defaultdict(list)
    for one in seen:
        question = one.question if by_question else ""
        groups[one.set, one.language, one.regime, question, one.kind].append(one)
    for (name, language, regime, question, kind), own in groups.items():
        place = {"set": name, "language": language, "regime": regime, "question": question}
        yield {**place, "kind": kind, **_figures(own)}


def _figures(seen: Sequence[Seen]) -> Row:
    flags = Counter(flag for one in seen for flag in one.flags)
    kept = [one for one in seen if one.kept is not None]
    return {
        "texts": len(seen),
        "points": _mean(seen, lambda one: one.share),
        "highest": max(one.share for one in seen),
        "people": _mean(seen, lambda one: one.people),
        "kept": _mean(kept, lambda one: one.kept),
        "kept_unasked": _mean(kept, lambda one: one.kept and not one.asks),
        "asked": _mean(seen, lambda one: one.asks),
        "confidence": _mean(seen, lambda one: one.confidence),
        "final": _mean(seen, lambda one: one.final),
        "final_if_sure": _mean(seen, lambda one: one.final_if_sure),
        "flags": {flag: flags[flag] / len(seen) for flag in sorted(flags)},
        "declined": _mean(seen, lambda one: one.declined),
    }


def _mean(seen: Sequence[Seen], value: Callable[[Seen], float | None]) -> float | None:
    """The mean of those that have a value; None where none has."""
    values = [found for one in seen if (found := value(one)) is not None]
    return mean(map(float, values)) if values else None


def reversals(seen: Sequence[Seen]) -> Iterator[Row]:
    """A row for each set, language and regime with written reversals, and for what is reversed.

    `as_many`: the wrong text has points, and no fewer than its right counterpart; `unasked`: and no
    flag asks for a person. `overmarked`: it has more than it earns; `sure`: and a confidence of
    SURE or more. Another row tells how many of the right texts have a flag that asks.
    """
    groups: dict[tuple[str, str, str], list[Seen]] = defaultdict(list)
    for one in seen:
        if one.probe:
            groups[one.set, one.language, one.regime].append(one)
    for (name, language, regime), own in groups.items():
        place = {"set": name, "language": language, "regime": regime}
        by_kind: dict[str, list[Pair]] = defaultdict(list)
        for what, pair in _pairs(own):
            by_kind["reversals"].append(pair)
            if what:
                by_kind[f"reversals of {what}"].append(pair)
        for kind, pairs in by_kind.items():
            yield {**place, "kind": kind, **_of_pairs(pairs)}
        right = [one for one in own if one.kind in RIGHT]
        if right:
            asked = _mean(right, lambda one: one.asks)
            yield {**place, "kind": "right texts", "texts": len(right), "asked": asked}


def _of_pairs(pairs: Sequence[Pair]) -> Row:
    fooled = [wrong for wrong, right in pairs if wrong.share and wrong.share >= right.share]
    over = [wrong for wrong, _right in pairs if wrong.share > (wrong.people or 0.0)]
    count = len(pairs)
    return {
        "pairs": count,
        "as_many": len(fooled) / count,
        "unasked": sum(not one.asks for one in fooled) / count,
        "overmarked": len(over) / count,
        "sure": sum((one.confidence or 0.0) >= SURE for one in over) / count,
    }


def _pairs(seen: Sequence[Seen]) -> Iterator[tuple[str, Pair]]:
    """Each reversal with its right counterpart of the same trial, and what is reversed."""
    by_trial: dict[tuple[str, int], dict[str, Seen]] = defaultdict(dict)
    times: Counter[str] = Counter()
    for one in seen:
        if one.probe:
            by_trial[one.question, times[one.probe.id]][one.probe.id] = one
            times[one.probe.id] += 1
    for texts in by_trial.values():
        for one in texts.values():
            if one.kind == REVERSAL and one.probe and one.probe.pair in texts:
                yield one.probe.of, (one, texts[one.probe.pair])


def show(told: Sequence[Row], pairs: Sequence[Row]) -> None:
    """Print a table for each set, language and regime."""
    for head, own in groupby(told, _head):
        print(f"\n{head}")
        print(" " * 24 + "".join(f"{name:>9}" for name in COLUMNS.values()) + "  flags")
        for row in own:
            flags = "  ".join(f"{flag} {_short(share)}" for flag, share in row["flags"].items())
            numbers = "".join(f"{_short(row[name]):>9}" for name in COLUMNS)
            print(f"{row['kind']:<24}{numbers}  {flags}", flush=True)
    for row in pairs:
        numbers = "  ".join(
            f"{name} {_short(value)}" for name, value in row.items() if not isinstance(value, str)
        )
        print(f"{row['set']} ({row['language']}), {row['regime']}: {row['kind']}: {numbers}")


def _head(row: Row) -> str:
    return f"{row['set']} ({row['language']}), {row['regime']}"


def _short(value: float | None) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.3f}".lstrip("0")

"""How well the machine's evidence agrees with what a person marked in the sample exam."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from inference_server.scorer import Scorer
from tests.bench import sample

Span = tuple[int, int]


def measure(scorer: Scorer) -> dict[str, Any]:
    """Mean F1 by characters over what earned a criterion's points, short answers and essays apart.

    What has no points from the machine has no evidence either, and counts with F1 0. `shown` is the
    mean share of the text that is shown, over what has evidence.
    """
    hand = sample.handed_in()
    figures: dict[str, list[float]] = defaultdict(list)
    for question in sample.exam()["questions"]:
        wire, marked = sample.wire(question), marked_spans(question["code"])
        answers = [hand[candidate, question["code"]] for candidate in marked]
        marks = scorer.score(wire, answers)
        kind = "essays" if wire["sections"] else "short"
        for text, mark, spans in zip(answers, marks, marked.values(), strict=True):
            for criterion in mark["criteria"]:
                theirs = spans.get(criterion["code"])
                if not theirs:
                    continue
                ours = [(span["start"], span["end"]) for span in criterion["evidence"]]
                figures[kind].append(f1(ours, theirs))
                if ours:
                    figures[f"{kind}_shown"].append(len(places(ours)) / len(text))
    return {name: sum(each) / len(each) for name, each in figures.items()}


def marked_spans(question: str) -> dict[str, dict[str, list[Span]]]:
    """A person's spans at the question, by candidate and criterion."""
    spans: dict[str, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for line in sample.lines("evidence"):
        if line["question"] == question:
            spans[line["candidate"]][line["criterion"]].append((line["start"], line["end"]))
    return spans


def f1(ours: Sequence[Span], theirs: Sequence[Span]) -> float:
    """Twice the characters of both, by those of either, each character counted once."""
    shown, marked = places(ours), places(theirs)
    return 2 * len(shown & marked) / max(len(shown) + len(marked), 1)


def places(spans: Iterable[Span]) -> set[int]:
    """The code points within the spans."""
    return {place for start, end in spans for place in range(start, end)}

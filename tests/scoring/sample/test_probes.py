"""The probes: texts written to fool the machine, beside honest ones that must not be suspected."""

import re
from collections import Counter
from typing import Any

import pytest

from tests.bench import sample
from tests.paths import SAMPLE

PROBES = list(sample.lines("probes"))
BY_ID = {probe["id"]: probe for probe in PROBES}
EXAMS = {exam["language"]: exam for exam in (sample.exam(), sample.exam("exam.en"))}
QUESTIONS: dict[tuple[str, str], dict[str, Any]] = {
    (language, question["code"]): question
    for language, exam in EXAMS.items()
    for question in exam["questions"]
}
LEAST = {
    ("ja", "reversal"): 70,
    ("en", "reversal"): 40,
    ("ja", "paraphrase"): 60,
    ("en", "paraphrase"): 40,
    ("ja", "no_answer"): 60,
    ("en", "no_answer"): 40,
}
OTHERS = ("stuffed", "garbled", "copied_passage", "filler", "other_question", "honest")
WORTHLESS = {"stuffed", "garbled", "copied_passage", "filler", "no_answer", "other_question"}
TURNS = {"negation", "cause", "roles", "number"}


def of(kind: str) -> list[dict[str, Any]]:
    return [probe for probe in PROBES if probe["kind"] == kind]


def question_of(probe: dict[str, Any]) -> dict[str, Any]:
    return QUESTIONS[probe["language"], probe["question"]]


def limit(probe: dict[str, Any]) -> int:
    most: int = question_of(probe)["limits"]["max"]
    return most


def test_ids_and_texts_are_each_there_once() -> None:
    assert len(BY_ID) == len(PROBES)
    texts = Counter((probe["language"], probe["question"], probe["text"]) for probe in PROBES)
    assert texts.most_common(1)[0][1] == 1


def test_a_probe_says_which_criteria_of_its_question_it_earns_in_full() -> None:
    more = {"reversal": {"of", "pair"}, "honest": {"like"}}
    fields = {"id", "language", "question", "kind", "earns", "text"}
    for probe in PROBES:
        assert set(probe) == fields | more.get(probe["kind"], set())
        assert probe["text"].strip() == probe["text"] != ""
        codes = {criterion["code"] for criterion in question_of(probe)["criteria"]}
        assert set(probe["earns"]) <= codes


@pytest.mark.parametrize("language", ["ja", "en"])
def test_there_are_as_many_of_each_kind_as_a_bench_needs(language: str) -> None:
    for kind in (*OTHERS, *(kind for tongue, kind in LEAST if tongue == language)):
        ours = [probe for probe in of(kind) if probe["language"] == language]
        assert len(ours) >= LEAST.get((language, kind), 15), kind
        assert len({probe["question"] for probe in ours}) == 6, kind
    turns = Counter(probe["of"] for probe in of("reversal") if probe["language"] == language)
    assert set(turns) == TURNS
    assert min(turns.values()) >= 10


def test_the_readme_counts_them() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\d+) \| (\d+) \|", (SAMPLE / "README.md").read_text("utf-8"), re.M
    )
    counts = Counter((probe["kind"], probe["language"]) for probe in PROBES)
    kinds = {kind for kind, _ in counts}
    told = {kind: (int(japanese), int(english)) for kind, japanese, english in rows}
    assert told == {kind: (counts[kind, "ja"], counts[kind, "en"]) for kind in kinds}


def test_a_reversal_loses_a_criterion_that_its_right_counterpart_earns() -> None:
    pairs = [(probe, BY_ID[probe["pair"]]) for probe in of("reversal")]
    assert {right["id"] for _, right in pairs} == {probe["id"] for probe in of("right")}
    assert len(pairs) == len(of("right"))
    for wrong, right in pairs:
        assert [wrong[k] for k in ("language", "question")] == [
            right[k] for k in ("language", "question")
        ]
        assert set(wrong["earns"]) < set(right["earns"])


def test_right_answers_are_no_copies_of_the_definition_or_of_the_answers() -> None:
    known = set(sample.handed_in().values())
    for question in QUESTIONS.values():
        known |= set(question["model_answers"])
        known |= {text for c in question["criteria"] for text in c["references"]}
    for kind in ("right", "paraphrase", "honest"):
        assert all(probe["earns"] for probe in of(kind))
        assert not known & {probe["text"] for probe in of(kind)}


def test_only_what_is_long_by_its_nature_is_over_the_limit() -> None:
    for probe in PROBES:
        if probe["kind"] not in ("filler", "copied_passage", "stuffed"):
            is_long = probe.get("like") == "filler"
            assert (len(probe["text"]) > limit(probe)) == is_long, probe["id"]
    assert all(200 <= len(probe["text"]) <= 1000 for probe in of("filler"))


def test_what_is_dishonest_earns_nothing_and_honest_texts_say_what_they_look_like() -> None:
    for kind in WORTHLESS:
        assert not [probe["id"] for probe in of(kind) if probe["earns"]]
    alike = {probe["like"] for probe in of("honest")}
    assert alike == {"stuffed", "garbled", "copied_passage", "filler", "no_answer", "short"}


def test_copied_texts_are_from_the_passage_and_stuffed_ones_hold_the_keywords() -> None:
    for probe in of("copied_passage"):
        passage, width = question_of(probe)["passage"], {"ja": 10, "en": 30}[probe["language"]]
        text = probe["text"]
        starts = range(len(text) - width + 1)
        assert any(text[at : at + width] in passage for at in starts), probe["id"]
    for probe in of("stuffed"):
        text = probe["text"].lower()
        words = [word for c in question_of(probe)["criteria"] for word in c["keywords"]]
        assert sum(word in text for word in words) * 2 >= len(words), probe["id"]

"""The spans that were marked by hand in the sample's answers."""

from collections import defaultdict

from tests.bench import sample

SPANS = list(sample.lines("evidence"))
TEXTS = sample.handed_in()
MARKS = {(mark["candidate"], mark["question"]): mark for mark in sample.lines("marks")}
MARKED = {(span["candidate"], span["question"]) for span in SPANS}
ESSAYS = {key for key in TEXTS if key[1] == "Q7"}


def test_a_span_is_where_its_quote_stands() -> None:
    for span in SPANS:
        assert set(span) == {"candidate", "question", "criterion", "start", "end", "quote"}
        text = TEXTS[span["candidate"], span["question"]]
        assert 0 <= span["start"] < span["end"] <= len(text)
        assert text[span["start"] : span["end"]] == span["quote"] == span["quote"].strip()


def test_at_least_120_answers_have_spans_and_so_does_every_essay_with_points() -> None:
    assert len(MARKED) >= 120
    assert {key for key in ESSAYS if MARKS[key]["points"]} <= MARKED
    assert {code for _, code in MARKED} == {f"Q{number}" for number in range(1, 8)}


def test_exactly_the_criteria_that_earned_points_have_spans() -> None:
    marked = defaultdict(set)
    for span in SPANS:
        marked[span["candidate"], span["question"]].add(span["criterion"])
    for key, criteria in marked.items():
        assert criteria == {code for code, points in MARKS[key]["criteria"].items() if points}, key


def test_a_short_answer_has_one_span_for_a_criterion_and_no_spans_of_one_meet() -> None:
    spans = defaultdict(list)
    for span in SPANS:
        place = span["candidate"], span["question"], span["criterion"]
        spans[place].append((span["start"], span["end"]))
    for place, found in spans.items():
        assert len(found) == 1 or place[1] == "Q7", place
        ordered = sorted(found)
        ends = [end for _, end in ordered[:-1]]
        starts = [start for start, _ in ordered[1:]]
        assert all(end <= start for end, start in zip(ends, starts, strict=True)), place

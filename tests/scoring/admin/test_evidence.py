"""Evidence as stretches: nothing lost, nothing moved, whatever overlaps."""

from itertools import combinations_with_replacement, product

from scoring.admin.evidence import Layer, Span, lanes, stretches, within

TEXT = "𠮷野家の👨‍👩‍👧と要件"


def codes(text: str, *spans: Span) -> list[tuple[str, str]]:
    return [
        (one.text, "".join(layer.code for layer in one.layers)) for one in stretches(text, spans)
    ]


def test_it_cuts_where_evidence_begins_and_ends() -> None:
    assert codes("abcdef", Span("1", 1, 4), Span("2", 3, 6)) == [
        ("a", ""),
        ("bc", "1"),
        ("d", "12"),
        ("ef", "2"),
    ]


def test_it_counts_code_points_beyond_the_basic_plane() -> None:
    assert codes(TEXT, Span("1", 0, 1), Span("2", 4, 9)) == [
        ("𠮷", "1"),
        ("野家の", ""),
        ("👨‍👩‍👧", "2"),
        ("と要件", ""),
    ]


def test_a_layer_begins_once_for_each_piece_of_evidence() -> None:
    found = stretches("abcd", [Span("1", 0, 4), Span("2", 1, 2)])
    assert [one.layers for one in found] == [
        (Layer("1", True),),
        (Layer("1", False), Layer("2", True)),
        (Layer("1", False),),
    ]


def test_evidence_beyond_the_text_is_cut_and_empty_evidence_left_out() -> None:
    assert codes("ab", Span("1", 1, 99), Span("2", 1, 1), Span("3", 7, 9)) == [
        ("a", ""),
        ("b", "1"),
    ]
    assert codes("", Span("1", 0, 3)) == []


def test_what_lies_in_a_section_is_told_in_the_section_s_offsets() -> None:
    assert within([Span("1", 2, 9), Span("2", 0, 2)], 2, 5) == [Span("1", 0, 3)]


def test_criteria_that_overlap_get_underlines_of_different_heights() -> None:
    spans = [Span("1", 0, 5), Span("2", 3, 8), Span("3", 6, 9)]
    assert lanes(["1", "2", "3"], spans) == {"1": 0, "2": 1, "3": 0}


def test_every_pair_of_spans_gives_the_whole_text_back_with_each_character_rightly_marked() -> None:
    bounds = list(combinations_with_replacement(range(5), 2))
    for (a, b), (c, d) in product(bounds, bounds):
        found = codes("𠮷b👧d", Span("1", a, b), Span("2", c, d))
        seen = [(character, marks) for text, marks in found for character in text]
        wanted = [
            (character, "1" * (a <= at < b) + "2" * (c <= at < d))
            for at, character in enumerate("𠮷b👧d")
        ]
        assert seen == wanted

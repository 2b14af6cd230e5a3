"""What of a JSON document is refused, though it is JSON."""

from pmscoring.base.strict_json import refused_texts


def test_a_name_that_postgresql_cannot_carry_is_refused_as_a_text_is() -> None:
    for text in ("\0", "\ud800"):
        faults = list(refused_texts({"floors": {text: 1}, "name": [text]}))
        assert [fault["pointer"] for fault in faults] == ["/floors", "/name/0"]


def test_other_names_are_not() -> None:
    assert not list(refused_texts({"答え": [{"a b": 1}], "": None}))

"""Which half of a sentence is the cause, and which the effect."""

import pytest

from inference_server.marking.polarity.causes import causes


@pytest.mark.parametrize(
    ("language", "text", "cause"),
    [
        ("ja", "変更が多かったため、設計が遅れた", "変更"),
        ("ja", "設計が遅れたのは、変更が多かったためである", "変更"),
        ("ja", "変更により設計が遅れた", "変更"),
        ("ja", "変更が増えると、設計が遅れる", "変更"),
        ("ja", "設計の遅れを防ぐため変更を減らす", "変更"),
        ("en", "the design was late because the change came.", "change"),
        ("en", "because the change came, the design was late.", "change"),
        ("en", "the change came, so the design was late.", "change"),
        ("en", "the change led to a late design.", "change"),
        ("en", "the design was late due to the change.", "change"),
    ],
)
def test_it_tells_the_cause_from_the_effect(language: str, text: str, cause: str) -> None:
    [found] = causes(text, language)
    assert cause in text[slice(*found.cause)]
    assert cause not in text[slice(*found.effect)]


@pytest.mark.parametrize(
    ("language", "text"),
    [("ja", "変更が多かったため"), ("ja", "変更が多い"), ("en", "the change came."), ("en", "")],
)
def test_it_names_none_where_one_half_is_missing(language: str, text: str) -> None:
    assert causes(text, language) == []

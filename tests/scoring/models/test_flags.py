"""Every flag has a name and a meaning in both languages, and an exam may call it harmless."""

import json

import pytest
from django.utils.translation import override

from scoring.models import flags
from tests.paths import CONTRACT


def test_an_exam_may_call_every_flag_harmless() -> None:
    schema = json.loads((CONTRACT / "exam.schema.json").read_text("utf-8"))
    harmless = schema["$defs"]["marking"]["properties"]["harmless_flags"]
    assert set(harmless["items"]["enum"]) == flags.NAMES.keys()


@pytest.mark.parametrize("code", flags.NAMES)
def test_every_flag_has_a_name_and_a_meaning_in_both_languages(code: str) -> None:
    name, meaning = flags.NAMES[code]
    with override("en"):
        english = str(name), str(meaning)
    with override("ja"):
        assert str(name) not in ("", english[0])
        assert str(meaning) not in ("", english[1])


def test_a_flag_of_another_release_is_shown_by_its_code() -> None:
    assert flags.name("of_tomorrow") == "of_tomorrow"

"""Messages that are kept and read in another language."""

import copy
import json
import pickle

from django.utils import translation

from pmscoring.base import texts
from pmscoring.base.words import joined, kept, spoken, worded
from pmscoring.base.words import words as _


def test_it_is_the_text_of_the_active_language_and_is_read_in_another() -> None:
    with translation.override("ja"):
        message = _("sheet %(sheet)s, row %(row)d") % {"sheet": "名簿", "row": 3}
    stored = json.loads(json.dumps(kept(message)))
    with translation.override("en"):
        assert spoken(stored) == "sheet 名簿, row 3"
    with translation.override("ja"):
        assert spoken(stored) == message != "sheet 名簿, row 3"


def test_messages_within_messages_are_translated_too() -> None:
    with translation.override("ja"):
        place = _("line %d") % 2
        message = joined(
            ": ", ["答案.csv", _("%s of the same candidate and attempt was rejected") % place]
        )
    with translation.override("en"):
        expected = "答案.csv: line 2 of the same candidate and attempt was rejected"
        assert spoken(kept(message)) == expected


def test_a_text_without_words_stays_as_it_is_even_with_a_percent_sign() -> None:
    assert spoken(kept("50%")) == "50%"
    assert kept(spoken(kept("50%"))) == "50%"


def test_copies_keep_the_words() -> None:
    message = _("line %d") % 2
    assert kept(copy.deepcopy(message)) == kept(message)
    assert kept(pickle.loads(pickle.dumps(message))) == kept(message)  # noqa: S301  # our own


def test_a_refused_text_is_told_in_the_language_of_its_reader() -> None:
    with translation.override("en"):
        refusal = texts.refused_character("要件\0")
        assert refusal
        reason = kept(worded(refusal))
    with translation.override("ja"):
        assert spoken(reason) == "位置2のU+0000は受け付けられません"
        refusal = texts.refused_identifier("\u200b")
        assert refusal
        assert worded(refusal).startswith("目に見える文字を1文字以上100")
    assert texts.refused_character("要件\0") == "U+0000 at offset 2 is refused"

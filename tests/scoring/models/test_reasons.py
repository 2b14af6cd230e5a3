"""Why an answer was not scored, in the reader's language."""

from django.utils import translation

from scoring.inference.errors import MISCONFIGURED
from scoring.models.reasons import in_words


def test_a_fault_of_the_way_to_the_service_keeps_its_status() -> None:
    with translation.override("en"):
        stored = f"HTTP 401: {MISCONFIGURED[401]}"
        assert in_words(stored) == stored
    with translation.override("ja"):
        assert in_words(stored) == f"HTTP 401: {MISCONFIGURED[401]}"
        assert "トークン" in in_words(stored)


def test_what_nobody_knows_stays_as_it_came() -> None:
    with translation.override("ja"):
        assert in_words("HTTP 500: (a) %(b)s") == "HTTP 500: (a) %(b)s"
        assert in_words("HTTP 422: no") == "HTTP 422: no"
        assert in_words("") == ""

"""The compiled catalogues are those of the sources, for a bare machine cannot compile them."""

from collections.abc import Iterable
from typing import Any

import polib

from tests.messages import catalogues


def texts(entries: Iterable[Any]) -> set[tuple[str | None, str, str, str]]:
    return {(e.msgctxt, e.msgid, e.msgstr, str(e.msgstr_plural)) for e in entries}


def test_it_has_compiled_every_catalogue_as_it_stands() -> None:
    for path in catalogues():
        compiled = polib.mofile(str(path.with_suffix(".mo")))
        assert texts(compiled) == texts(polib.pofile(str(path)).translated_entries()), path


def test_it_leaves_no_text_untranslated() -> None:
    for path in catalogues():
        catalogue = polib.pofile(str(path))
        assert not [e.msgid for e in catalogue.untranslated_entries()], path
        assert not [e.msgid for e in catalogue.fuzzy_entries()], path

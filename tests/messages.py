"""The message catalogues: `python -m tests.messages` compiles them, without gettext."""

from collections.abc import Iterator
from pathlib import Path

import polib

from tests.paths import ROOT

PLACES = ("locale", "*/locale")


def catalogues() -> Iterator[Path]:
    """Every .po file of the project."""
    for place in PLACES:
        yield from sorted(ROOT.glob(f"{place}/*/LC_MESSAGES/*.po"))


def compile_all() -> None:
    """Write the .mo file beside every .po file."""
    for path in catalogues():
        polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))


if __name__ == "__main__":
    compile_all()

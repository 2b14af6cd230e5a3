"""How a release differs from the live one, in rows for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.models import Release

SHORT = 12
"""Characters of a digest that tell one from another."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same: what it is, there in the live one, and here."""

    what: str
    name: str
    live: str
    here: str


def between(live: Release, release: Release) -> list[Difference]:
    """Images, files, variables, secrets and migrations that differ."""
    return [
        *_of(_("image"), digests(live), digests(release)),
        *_of(_("variable"), live.variables, release.variables),
        *_of(_("Compose file"), shortened(live.files), shortened(release.files)),
        *_of(_("secret"), shortened(live.secrets), shortened(release.secrets)),
        *_of(_("migration"), migrations(live), migrations(release)),
    ]


def digests(release: Release) -> dict[str, str]:
    """The image's id by service, short."""
    return shortened({name: image.get("digest") or "" for name, image in release.images.items()})


def migrations(release: Release) -> dict[str, str]:
    """The last migration by app."""
    return {app: max(names) for app, names in release.migrations.items() if names}


def shortened(values: Mapping[str, Any]) -> dict[str, str]:
    """Digests and fingerprints, as far as they are read."""
    return {name: short(value) for name, value in values.items()}


def short(digest: Any) -> str:
    """The first characters of a digest."""
    return str(digest).removeprefix("sha256:")[:SHORT]


def _of(what: str, live: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*live, *here}):
        before, after = live.get(name), here.get(name)
        if before != after:
            yield Difference(what, name, str(before or "–"), str(after or "–"))

"""The parts of a backup, compared with its manifest and decrypted, for whoever reads them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.utils.translation import gettext as _

from opsconsole.backups import manifest
from opsconsole.backups.manifest import Manifest, ManifestError, Part
from opsconsole.gateways import age
from opsconsole.gateways.age import AgeError
from pmscoring.base.progress import Alive


@contextmanager
def opened(
    folder: Path, identity: Path | None, scratch: Path, names: Sequence[str], alive: Alive
) -> Iterator[tuple[Path, Manifest]]:
    """A folder with the parts of these names, readable, and the manifest.

    Of an encrypted backup they are decrypted into the new folder `scratch`. Raises ManifestError,
    AgeError and OSError.
    """
    document = manifest.read(folder)
    parts = [_part(document, name) for name in names]
    if faults := [fault for part in parts for fault in manifest.faults(folder, part, alive)]:
        raise ManifestError("; ".join(faults[:10]))
    if document["encryption"] is None:
        yield folder, document
        return
    if identity is None:
        raise AgeError(_("the backup is encrypted, and needs --identity"))
    keys = age.identities(identity)
    for part in parts:
        decrypt(folder, part, scratch, keys, alive)
    yield scratch, document


def decrypt(folder: Path, part: Part, target: Path, keys: age.Identities, alive: Alive) -> None:
    """Decrypt the files of the part into the folder `target`; raises AgeError and OSError."""
    for path in (file["path"] for file in part["files"]):
        plain = target / path.removesuffix(age.SUFFIX)
        plain.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        age.decrypt(folder / path, plain, keys, alive)


def _part(document: Manifest, name: str) -> Part:
    if part := manifest.part_of(document, name):
        return part
    raise ManifestError(_("the backup has no part %s") % name)

"""Encrypt what was verified, and remove what is plain."""

from pathlib import Path

from django.utils.translation import gettext as _

from opsconsole.backups import manifest
from opsconsole.backups.progress import Progress
from opsconsole.gateways import age
from opsconsole.models import Backup


def seal(backup: Backup, folder: Path, progress: Progress) -> None:
    """Encrypt each file to the backup's recipients, if it has any, and write the manifest.

    Plain files are removed once the manifest in the row names the encrypted ones, so that a killed
    worker's backup is whole in one way or the other.
    """
    document = manifest.checked(backup.manifest)
    keys = age.recipients(backup.recipients)
    if keys and not document["encryption"]:
        progress.begin(_("encrypting"), 0.92)
        document["parts"] = [_encrypted(folder, part, keys, progress) for part in document["parts"]]
        document["encryption"] = {"format": "age", "recipients": keys}
        backup.beat(manifest=document, bytes=manifest.size(document))
    manifest.write(folder, document)
    for path in manifest.unlisted(folder, document):
        (folder / path).unlink()


def _encrypted(
    folder: Path, part: manifest.Part, keys: list[str], progress: Progress
) -> manifest.Part:
    files = []
    for file in part["files"]:
        path = f"{file['path']}{age.SUFFIX}"
        (folder / path).unlink(missing_ok=True)  # of a try that was interrupted
        age.encrypt(folder / file["path"], folder / path, keys, progress.alive)
        files.append(manifest.file_at(folder, path, progress.alive))
    return part | manifest.part_with(part["name"], files)

"""An uploaded archive goes straight to the disk on which it stays, and not through memory.

The usual handler writes to a temporary folder, which in containers is memory.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from opsconsole.backups import arrival

SPARE = 1024**3
"""Bytes that an upload leaves free on the disk, for what else is going on."""


class ArchiveFile(UploadedFile):  # type: ignore[type-arg]
    """A file in the folder of arrived archives; it goes with the request unless it is renamed."""

    file: Any

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.file.name)

    def close(self) -> None:
        with suppress(FileNotFoundError):
            self.file.close()


class ArchiveHandler(FileUploadHandler):
    """Writes each chunk to the disk; breaks off when that is nearly full."""

    file: Any = None

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        self.file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed with the request
            dir=arrival.folder(), prefix="upload-", suffix=".partial"
        )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if free() < len(raw_data):
            raise StopUpload(connection_reset=True)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> ArchiveFile:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.seek(0)
        return ArchiveFile(self.file, self.file_name, self.content_type, file_size)

    def upload_interrupted(self) -> None:
        if self.file:
            self.file.close()


def free() -> int:
    """Bytes that may still be uploaded."""
    return max(shutil.disk_usage(arrival.folder()).free - SPARE, 0)


def is_too_large(request: HttpRequest) -> bool:
    """Whether the request says beforehand that it is larger than what is free."""
    return int(request.META.get("CONTENT_LENGTH") or 0) > free()

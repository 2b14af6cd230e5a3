"""Encryption to age recipients, in the format of the standard tool `age`; streams."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pyrage
from django.utils.translation import gettext as _
from pyrage import x25519

from pmscoring.base.progress import Alive

SUFFIX = ".age"
Identities = Sequence[x25519.Identity]
"""Secret keys, of which any may open what was encrypted."""


class AgeError(Exception):
    """It cannot be encrypted or decrypted; the message says why, without keys."""


class WrongIdentity(AgeError):
    """The file was encrypted to others."""


def recipients(text: str) -> list[str]:
    """The public keys in the text, one a line; empty lines and comments (#) are left out.

    Raises AgeError with the number of a line that is none. An identity is a secret, and refused.
    """
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        if key := line.partition("#")[0].strip():
            _recipient(key, number)
            keys.append(key)
    return list(dict.fromkeys(keys))


def _recipient(key: str, number: int) -> x25519.Recipient:
    if key.upper().startswith("AGE-SECRET-KEY-"):
        raise AgeError(_("line %d is a secret key, which must not be here") % number)
    try:
        return x25519.Recipient.from_str(key)
    except pyrage.RecipientError:
        raise AgeError(_("line %d is not a public key of age (age1…)") % number) from None


def encrypt(path: Path, target: Path, keys: Sequence[str], alive: Alive = lambda: None) -> None:
    """Encrypt to the recipients, into a new file, which is on the disk when this returns."""
    whom = [_recipient(key, number) for number, key in enumerate(keys, 1)]
    _through(path, target, lambda source, sink: pyrage.encrypt_io(source, sink, whom), alive)


def identities(path: Path) -> Identities:
    """The secret keys in the file, as age-keygen writes it; raises AgeError."""
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        keys = [x25519.Identity.from_str(line) for line in lines if line and line[0] != "#"]
    except (OSError, ValueError, pyrage.IdentityError):
        # Not `from` the error: it may repeat the key.
        raise AgeError(_("%s is not an age identity file") % path) from None
    if not keys:
        raise AgeError(_("%s contains no age identity") % path)
    return keys


def decrypt(path: Path, target: Path, keys: Identities, alive: Alive = lambda: None) -> None:
    """Decrypt into a new file; a file that was changed or cut off leaves none. Raises AgeError."""
    _through(path, target, lambda source, sink: pyrage.decrypt_io(source, sink, keys), alive)


class _Source:
    """What is read; the library hides the errors of a reader, so they are kept here."""

    def __init__(self, file: IO[bytes], alive: Alive) -> None:
        self.file, self.alive = file, alive
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            self.alive()
            return self.file.read(size)
        except BaseException as error:
            self.error = error
            raise


def _through(path: Path, target: Path, deed: Callable[[Any, Any], None], alive: Alive) -> None:
    with path.open("rb") as file, target.open("xb") as output:
        source = _Source(file, alive)
        try:
            os.fchmod(output.fileno(), 0o600)
            deed(source, output)
            output.flush()
            os.fsync(output.fileno())
        except BaseException as error:
            with suppress(OSError):
                target.unlink()
            if source.error:
                raise source.error from None
            if isinstance(error, pyrage.EncryptError | pyrage.DecryptError | OSError):
                raise _translated(error, path) from None
            raise


def _translated(error: BaseException, path: Path) -> BaseException:
    if isinstance(error, OSError) and error.errno is not None:
        return error
    if "No matching keys" in str(error):
        return WrongIdentity(_("%s was not encrypted to this identity") % path.name)
    return AgeError(_("%s is damaged, or not an age file") % path.name)

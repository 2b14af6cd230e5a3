"""Stores: folders and object stores that hold copies of backups. Streams, and knows no backup.

A store is named in the settings, never in a row: STORES_DIR/<name>.json is an object with the `url`
(s3://bucket/prefix, gs://…, az://… or file:///folder), the `options` of that kind of store, among
them its keys, and where needed those of the HTTP `client` (obstore's documentation lists both).

What a store says in an error may repeat keys, signatures and addresses. None of its text is passed
on; an error carries a code, a status or an error number that is taken out of it, and our own words.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

NAME = re.compile(r"[a-z0-9-]{1,32}")
CHUNK = 8 * 1024 * 1024
"""Bytes of one request, and with AT_ONCE all that is in memory of a file."""
AT_ONCE = 2
MOST_PARTS = 9000  # S3 takes 10,000 parts of one object.
TIMEOUT = timedelta(seconds=60)
"""The longest that one request may take."""
RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=120)}
MOST_READ = 64 * 1024 * 1024
"""The largest object that is read into memory: the manifest of 100,000 files has 20 MB."""
FAULTS = (
    (re.compile(r"kind: Timeout|timed out", re.I), gettext_lazy("it did not answer in time")),
    (re.compile(r"certificate", re.I), gettext_lazy("its certificate is not trusted")),
    (re.compile(r"dns error|failed to lookup", re.I), gettext_lazy("its name is not known")),
    (re.compile(r"kind: Connect", re.I), gettext_lazy("it cannot be reached")),
    (re.compile(r"HttpError \{"), gettext_lazy("the connection to it broke")),
)
CODE = re.compile(r"<Code>(\w+)</Code>|\bcode: \"?([A-Za-z]\w+)")
STATUS = re.compile(r"status code: (\d{3})")
ERRNO = re.compile(r"os error (\d+)|Os \{\s*code: (\d+)")
WRONG_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthenticationFailed", "ExpiredToken"}
DAMAGED = {"BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "RequestTimeout"}
REFUSALS = {"AccessDenied", "AccessForbidden", "ObjectLocked", "MethodNotAllowed", "BlobImmutable"}


Alive = Callable[[int], None]


def _nothing(_moved: int) -> None:
    """No heartbeat is wanted."""


class StoreError(Exception):
    """The store has failed; the message names it and says why, without keys."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or is overloaded: trying again may help."""


class Lost(StoreError):
    """The object, or its bucket, is not there."""


class DeletionRefused(StoreError):
    """The credentials may not delete, or the object is locked."""


def names() -> list[str]:
    """The stores that the settings name."""
    files = settings.STORES_DIR.glob("*.json") if settings.STORES_DIR.is_dir() else ()
    return sorted(file.stem for file in files if NAME.fullmatch(file.stem))


def named(name: str) -> "Store":
    """The store of that name; raises StoreError where it is not described, or not understood."""
    content = _described(name)
    url = content["url"]
    with _explained(name):
        try:
            if urlsplit(url).scheme == "file":
                root = Path(unquote(urlsplit(url).path))
                return Store(name, LocalStore(root, automatic_cleanup=True), root)
            return Store(name, _remote(url, content))
        except (BaseError, AttributeError, TypeError, ValueError) as error:
            if ERRNO.search(str(error)):
                raise
            raise StoreError(_("store %s: its url or options are not valid") % name) from None


def _described(name: str) -> dict[str, Any]:
    if not NAME.fullmatch(name):
        raise StoreError(_("%r is not a valid name of a store") % name[:32])
    try:
        content = json.loads((settings.STORES_DIR / f"{name}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(_("store %s is not described in STORES_DIR") % name) from None
    except (OSError, ValueError):
        # Neither the content nor an error that quotes it.
        raise StoreError(_("store %s: its file cannot be read") % name) from None
    if not isinstance(content, dict) or not isinstance(content.get("url"), str):
        raise StoreError(_("store %s: its file has no url") % name)
    return content


def _remote(url: str, content: dict[str, Any]) -> ObjectStore:
    # The library tells by the url's scheme which options and which store these are.
    options = content.get("options", {})
    # Each request carries a hash of its body, so that what arrives damaged is refused.
    checksum = {"checksum_algorithm": "sha256"} if urlsplit(url).scheme.startswith("s3") else {}
    config: Any = {**checksum, **options}
    client: Any = {
        "timeout": TIMEOUT,
        "allow_http": str(options.get("endpoint", "")).startswith("http://"),
        **content.get("client", {}),
    }
    return from_url(url, config=config, client_options=client, retry_config=RETRIES)


@dataclass(frozen=True)
class Digest:
    """The size in bytes and SHA-256 (hexadecimal) of what was read."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Store:
    """One store. Keys are paths relative to its url, with `/` between their parts.

    `alive` is called with the number of bytes each time that some were moved; what it raises ends
    the transfer and passes through. All methods raise StoreError.
    """

    name: str
    objects: ObjectStore = field(repr=False)
    folder: Path | None = None
    """Where a store of the kind file:// is."""

    def put(self, key: str, path: Path, alive: Alive = _nothing) -> Digest:
        """Store the file as an object, whole or not at all; the digest is that of what was sent."""
        size, sha256 = path.stat().st_size, hashlib.sha256()
        self._prepare(key)
        # Not through a link: it may lead to what is no part of the backup.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file, _explained(self.name, key):
            chunk = max(CHUNK, size // MOST_PARTS + 1)

            def chunks() -> Iterator[bytes]:
                while content := file.read(chunk):
                    sha256.update(content)
                    alive(len(content))
                    yield content

            if size <= chunk:
                obstore.put(self.objects, key, b"".join(chunks()))
            else:
                obstore.put(self.objects, key, chunks(), chunk_size=chunk, max_concurrency=AT_ONCE)
            sent = file.tell()
        self._settle(key)
        return Digest(sent, sha256.hexdigest())

    def get(self, key: str, path: Path, alive: Alive = _nothing) -> Digest:
        """Read the object into a new file, which is on the disk when this returns."""
        with path.open("xb") as file:
            digest = _digest(self.chunks(key), alive, file.write)
            file.flush()
            os.fsync(file.fileno())
        return digest

    def digest(self, key: str, alive: Alive = _nothing) -> Digest:
        """Read the object back and hash it."""
        return _digest(self.chunks(key), alive)

    def read(self, key: str) -> bytes:
        """A small object, whole."""
        with _explained(self.name, key):
            if obstore.head(self.objects, key)["size"] > MOST_READ:
                raise StoreError(
                    _("store %(store)s: %(key)s is too large") % {"store": self.name, "key": key}
                )
        return b"".join(self.chunks(key))

    def chunks(self, key: str) -> Iterator[bytes]:
        """The object, CHUNK bytes a request: no request outlasts TIMEOUT because it is large."""
        with _explained(self.name, key):
            size = obstore.head(self.objects, key)["size"]
        for start in range(0, size, CHUNK):
            with _explained(self.name, key):
                length = min(CHUNK, size - start)
                content = obstore.get_range(self.objects, key, start=start, length=length)
            yield bytes(content)

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys of all objects below the prefix, which is a whole part of a path."""
        with _explained(self.name):
            for objects in obstore.list(self.objects, prefix, chunk_size=500):
                yield from (entry["path"] for entry in objects)

    def folders(self, prefix: str = "") -> list[str]:
        """The names directly below the prefix that have objects below them."""
        with _explained(self.name):
            listing = obstore.list_with_delimiter(self.objects, prefix or None)
        return sorted(folder.rsplit("/", 1)[-1] for folder in listing["common_prefixes"])

    def remove(self, prefix: str, first: Sequence[str] = ()) -> None:
        """Remove all objects below the prefix, those named in `first` before the others.

        Raises DeletionRefused where the store keeps one, be it as a version behind a delete marker;
        what is not there counts as removed.
        """
        keys = sorted(self.keys(prefix), key=lambda key: (key not in first, key))
        version = self._version(keys[0]) if keys else None
        urgent = [key for key in keys if key in first]
        for batch in (urgent, keys[len(urgent) :]):
            if batch:
                self._delete(batch)
        if self.folder and (self.folder / prefix).is_dir():
            # What a killed upload left is not listed.
            shutil.rmtree(self.folder / prefix, ignore_errors=True)
        if version and self._version(keys[0], version):
            words = {"store": self.name}
            raise DeletionRefused(_("store %(store)s keeps older versions of objects") % words)

    def _version(self, key: str, version: str | None = None) -> str | None:
        """The version of the object that is there, or whether that one is; None if there is none.

        A bucket that keeps versions, as one with Object Lock does, answers a deletion with success
        and hides the object.
        """
        options: Any = {"head": True, **({"version": version} if version else {})}
        try:
            with _explained(self.name, key):
                return obstore.get(self.objects, key, options=options).meta["version"]
        except Lost:
            return None

    def _delete(self, keys: list[str]) -> None:
        try:
            with _explained(self.name, keys[0], deleting=True):
                obstore.delete(self.objects, keys)
        except Lost:
            # A folder says so of an object that another run has just removed. Go on one by one.
            for key in keys if len(keys) > 1 else ():
                self._delete([key])

    def _prepare(self, key: str) -> None:
        if self.folder:
            with _explained(self.name, key):
                parent = (self.folder / key).parent
                for folder in reversed([parent, *parent.parents]):
                    if folder.is_relative_to(self.folder) and folder != self.folder:
                        folder.mkdir(mode=0o700, exist_ok=True)

    def _settle(self, key: str) -> None:
        """A folder's object is on the disk before it counts as stored."""
        if self.folder:
            with _explained(self.name, key):
                for path in ((self.folder / key), (self.folder / key).parent):
                    descriptor = os.open(path, os.O_RDONLY)
                    try:
                        os.fsync(descriptor)
                    finally:
                        os.close(descriptor)


def _digest(
    chunks: Iterator[bytes],
    alive: Alive,
    write: Callable[[bytes], object] = lambda chunk: None,
) -> Digest:
    size, sha256 = 0, hashlib.sha256()
    for chunk in chunks:
        alive(len(chunk))
        write(chunk)
        sha256.update(chunk)
        size += len(chunk)
    return Digest(size, sha256.hexdigest())


@contextmanager
def _explained(name: str, key: str = "", *, deleting: bool = False) -> Iterator[None]:
    """Turn what the library raises into our own errors, with nothing of its text or its cause."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise _translated(error, name, key, deleting=deleting) from None


def _translated(error: Exception, name: str, key: str, *, deleting: bool) -> StoreError:
    text = str(error)
    code = _group(CODE, text)
    words = {"store": name, "key": key, "code": code or _group(STATUS, text)}
    denied = isinstance(error, (PermissionDeniedError, UnauthenticatedError, PermissionError))
    if deleting and code not in WRONG_KEYS and (denied or code in REFUSALS):
        return DeletionRefused(_("store %(store)s refuses to delete (%(code)s)") % words)
    if denied or code in WRONG_KEYS | REFUSALS:
        return StoreError(_("store %(store)s refuses access (%(code)s)") % words)
    if code in {"NoSuchBucket", "ContainerNotFound"}:
        return Lost(_("store %(store)s: its bucket does not exist") % words)
    if isinstance(error, FileNotFoundError):
        return Lost(_("store %(store)s: %(key)s is not there") % words)
    for pattern, fault in FAULTS:
        if pattern.search(text):
            return StoreUnavailable(_("store %(store)s: %(error)s") % (words | {"error": fault}))
    if number := _group(ERRNO, text) or getattr(error, "errno", None):
        words["error"] = os.strerror(int(number))
        return StoreError(_("store %(store)s: %(error)s") % words)
    if code in DAMAGED:
        return StoreUnavailable(_("store %(store)s received other data than was sent") % words)
    if words["code"].startswith(("5", "429")) or code in {"SlowDown", "InternalError"}:
        return StoreUnavailable(_("store %(store)s is overloaded or broken (%(code)s)") % words)
    words["error"] = words["code"] or type(error).__name__
    return StoreError(_("store %(store)s: the request failed (%(error)s)") % words)


def _group(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return next(filter(None, match.groups()), "") if match else ""

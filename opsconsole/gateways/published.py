"""The names of stores, channels and bundles, for processes that must not read the files.

In containers the operations worker alone has the files with addresses and keys, and the bundles. It
writes a file without content for each of them into PUBLISHED_DIR, which lies where web containers
may look; their STORES_DIR, CHANNELS_DIR and BUNDLES_DIR are its subfolders. So a page can offer a
store that it cannot open.
"""

from pathlib import Path

from django.conf import settings


def publish() -> None:
    """Bring the names in PUBLISHED_DIR in line with the files; nothing where it is not set.

    Two processes may do it at once: each file is made or removed by one call, and the next look of
    either mends what they disagreed on. Raises OSError.
    """
    if settings.PUBLISHED_DIR is None:
        return
    for name, folder, pattern in (
        ("stores", settings.STORES_DIR, "*"),
        ("channels", settings.CHANNELS_DIR, "*"),
        ("bundles", settings.BUNDLES_DIR, "*.tar"),
    ):
        _publish(folder, settings.PUBLISHED_DIR / name, pattern)


def _publish(folder: Path, published: Path, pattern: str) -> None:
    published.mkdir(parents=True, exist_ok=True)
    names, before = _names(folder, pattern), _names(published)
    for name in names - before:
        (published / name).touch()
    for name in before - names:
        (published / name).unlink(missing_ok=True)


def _names(folder: Path, pattern: str = "*") -> set[str]:
    return {path.name for path in folder.glob(pattern)} if folder.is_dir() else set()

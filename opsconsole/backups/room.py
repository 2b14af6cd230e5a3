"""Whether the disks have room for a restore, looked at before anything is staged."""

from collections.abc import Iterable
from pathlib import Path

from opsconsole.backups.manifest import Manifest, part_of
from opsconsole.gateways import disks
from opsconsole.gateways.postgres.server import Server


def require(
    server: Server, uploads: Path, document: Manifest, parts: Iterable[str], *, is_here: bool
) -> None:
    """Raise DiskFull unless the folder of uploads has room for what a restore puts beside them.

    A copy in a store is read there, and an encrypted backup is decrypted there. The database is as
    large as the live one, or as its dump where that is larger; where the server's disk is another
    one, that asks for more than is needed.
    """
    sizes = {
        name: part["bytes"] if (part := part_of(document, name)) else 0
        for name in ("database", "uploads")
        if name in parts
    }
    needed = sizes.get("uploads", 0)
    if "database" in sizes:
        needed += max(sizes["database"], _live(server))
    read = sum(part["bytes"] for part in document["parts"]) if not is_here else 0
    decrypted = sum(sizes.values()) if document["encryption"] else 0
    disks.require(uploads, needed + read + decrypted)


def _live(server: Server) -> int:
    return server.size() if server.exists(server.database) else 0

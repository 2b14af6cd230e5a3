"""Volumes mounted noexec: nothing on them can be run, and Python loads no compiled module there."""

import os
import sys
from pathlib import Path


def is_noexec(path: Path) -> bool:
    """Whether the volume with this path, which must exist, is mounted noexec."""
    return bool(os.statvfs(path).f_flag & getattr(os, "ST_NOEXEC", 0))


def mount_point(path: Path) -> Path:
    """The folder at which the volume with this path is mounted."""
    resolved = path.resolve()
    return next(folder for folder in (resolved, *resolved.parents) if folder.is_mount())


def noexec_fault(path: Path, what: str) -> str:
    """One line that says so, and what to do, where `path` is on a noexec volume; else empty."""
    if not is_noexec(path):
        return ""
    return (
        f"{path} lies on a volume that is mounted noexec, so {what} cannot run there: "
        f"mount it with exec (as root: mount -o remount,exec {mount_point(path)}), "
        "or put the project's folder on another volume"
    )


def main() -> None:
    """Exit with that line where the environment of this Python lies on such a volume."""
    if fault := noexec_fault(Path(sys.prefix), "the installed packages"):
        sys.exit(f"pmscoring: {fault}")


if __name__ == "__main__":
    main()

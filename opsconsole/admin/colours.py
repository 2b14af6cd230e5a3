"""The colour of the label that shows each state."""

from opsconsole.models import Backup, BackupCopy, Restore

Colours = dict[str, str]

BACKUP: Colours = {
    Backup.Status.WAITING: "info",
    Backup.Status.RUNNING: "primary",
    Backup.Status.DUMPED: "primary",
    Backup.Status.VERIFIED: "primary",
    Backup.Status.STORED: "success",
    Backup.Status.FAILED: "danger",
}
COPY: Colours = {
    BackupCopy.Status.WAITING: "info",
    BackupCopy.Status.STORED: "success",
    BackupCopy.Status.FAILED: "danger",
    BackupCopy.Status.REMOVED: "default",
}
"""A state of a later version has the colour `default`."""
RESTORE: Colours = {
    Restore.Status.REQUESTED: "info",
    Restore.Status.SAFETY_BACKUP: "primary",
    Restore.Status.RESTORING: "primary",
    Restore.Status.CHECKING: "primary",
    Restore.Status.SWAPPING: "warning",
    Restore.Status.DONE: "success",
    Restore.Status.FAILED: "danger",
    Restore.Status.UNDONE: "danger",
}

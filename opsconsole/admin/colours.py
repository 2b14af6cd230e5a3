"""The colour of the label that shows each state."""

from opsconsole.models import Backup, BackupCopy, Deployment, Operation, Restore

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
DEPLOYMENT: Colours = {
    Deployment.Status.REQUESTED: "info",
    Deployment.Status.PREPARING: "primary",
    Deployment.Status.BACKING_UP: "primary",
    Deployment.Status.MIGRATING: "primary",
    Deployment.Status.ROLLING: "primary",
    Deployment.Status.SOAKING: "primary",
    Deployment.Status.LIVE: "success",
    Deployment.Status.ROLLING_BACK: "warning",
    Deployment.Status.ROLLED_BACK: "warning",
    Deployment.Status.FAILED: "danger",
    Deployment.Status.CANCELLED: "default",
}
OPERATION: Colours = {
    Operation.Status.WAITING: "info",
    Operation.Status.RUNNING: "primary",
    Operation.Status.DONE: "success",
    Operation.Status.FAILED: "danger",
}
BY_MODEL: dict[str, Colours] = {
    "backup": BACKUP,
    "restore": RESTORE,
    "deployment": DEPLOYMENT,
    "operation": OPERATION,
}
STATE: Colours = {
    "starting": "info",
    "running": "success",
    "restarting": "warning",
    "stopped": "default",
}
"""What a replica does."""
HEALTH: Colours = {
    "healthy": "success",
    "starting": "info",
    "unhealthy": "danger",
    "unknown": "warning",
    "none": "default",
}

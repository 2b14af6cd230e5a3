"""The console's tables, their words and their states."""

from opsconsole.models.backups import (
    DEFAULT_PARTS,
    LOCAL,
    PARTS,
    Backup,
    BackupCopy,
    BackupPlan,
    Verification,
    default_parts,
)
from opsconsole.models.channels import Channel
from opsconsole.models.deployments import Deployment, Release
from opsconsole.models.environments import Environment, ExamWindow, Operation
from opsconsole.models.events import SYSTEM, Caller, Event
from opsconsole.models.healing import Heal
from opsconsole.models.installation import Installation
from opsconsole.models.restores import Restore
from opsconsole.models.scaling import ScalingDecision, ScalingPolicy, ScalingSample

__all__ = [
    "DEFAULT_PARTS",
    "LOCAL",
    "PARTS",
    "SYSTEM",
    "Backup",
    "BackupCopy",
    "BackupPlan",
    "Caller",
    "Channel",
    "Deployment",
    "Environment",
    "Event",
    "ExamWindow",
    "Heal",
    "Installation",
    "Operation",
    "Release",
    "Restore",
    "ScalingDecision",
    "ScalingPolicy",
    "ScalingSample",
    "Verification",
    "default_parts",
]

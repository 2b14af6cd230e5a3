"""What keeps an operation from being done now."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from opsconsole.models import Deployment, Environment, Installation, Operation, Restore
from pmscoring.base.refusals import Busy, Refused


def refuse_absent(environment: Environment) -> None:
    """Raise Refused unless the environment is laid out."""
    if not environment.laid_out_at or environment.removed_at:
        raise Refused(_("%s is not laid out; its first deployment does that") % environment)


def refuse_while_deploying(environment: Environment) -> None:
    """Raise Busy while a deployment of the environment is under way."""
    if deployment := _working(environment).first():
        raise Busy(_("a deployment is under way: %s") % deployment)


def refuse_while_removing(environment: Environment) -> None:
    """Raise Busy while the environment is being removed."""
    removing = Operation.objects.unfinished().filter(
        environment=environment, kind=Operation.Kind.REMOVE
    )
    if removing.exists():
        raise Busy(_("%s is being removed") % environment)


def refuse_while_restoring(environment: Environment) -> None:
    """Raise Busy while the database in which the environment's rows are is being restored.

    A deployment begins while a restore is asked for: 1. the deployment claims its row, and then
    looks here for a restore; 2. whoever asks for a restore looks for a claimed deployment, and then
    adds its row, holding the lock of the installation. 3. Here that lock is waited for, so that no
    restore's row is still unseen: either the restore sees the claim, or this sees the restore.
    """
    if not environment.is_here:
        return
    with transaction.atomic():
        Installation.objects.locked()
        if restore := Restore.objects.unfinished().first():
            raise Busy(_("a restore is under way: %s") % restore)


def is_deploying(environment: Environment) -> bool:
    """Whether a deployment of the environment is under way."""
    return _working(environment).exists()


def _working(environment: Environment) -> QuerySet[Deployment]:
    states = Deployment.working_states()
    return Deployment.objects.filter(environment=environment, status__in=states)

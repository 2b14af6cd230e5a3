"""When nobody heals: what restarts replicas on purpose is under way."""

from django.utils.translation import gettext as _

from opsconsole.models import Deployment, Environment, Operation, Restore
from pmscoring.base import hold

MOVING = (
    Operation.Kind.RESTART,
    Operation.Kind.SCALE,
    Operation.Kind.REMOVE,
    Operation.Kind.ROTATE,
)


def why_not(environment: Environment) -> str:
    """What is under way that the healer must not disturb; "" where nothing is.

    What is only requested does not count: it may wait for an approval for days.
    """
    if environment.engine == Environment.Engine.SWARM:
        return _("Swarm replaces it by itself")
    if environment.deployments.filter(status__in=Deployment.working_states()).exists():
        return _("a deployment is under way")
    operations = environment.operations.filter(status__in=Operation.working_states())
    if operations.filter(kind__in=MOVING).exists():
        return _("an operation is under way")
    restores = Restore.objects.filter(status__in=Restore.working_states())
    if environment.is_here and restores.exists():
        return _("a restore is under way")
    if environment.is_here and hold.is_held():
        return _("the application is held")
    return ""

"""What keeps an operation from being done now."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from opsconsole.models import Deployment, Environment, Operation
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


def is_deploying(environment: Environment) -> bool:
    """Whether a deployment of the environment is under way."""
    return _working(environment).exists()


def _working(environment: Environment) -> QuerySet[Deployment]:
    states = Deployment.working_states()
    return Deployment.objects.filter(environment=environment, status__in=states)

"""What a restart that a person asks for means: whether it is done, and what rests meanwhile."""

from django.utils.translation import gettext as _

from opsconsole.models import Environment
from pmscoring.base.refusals import Refused


def refusal(environment: Environment, service: str) -> str:
    """Why the console does not restart this service; empty where it does."""
    if environment.is_here and service == "ops":
        return _("the operations worker cannot restart itself; restart it on the host")
    if environment.is_here and service == "postgres":
        return _(
            "the console keeps its own rows in this database, and could not write how the restart"
            " ended; restart it on the host"
        )
    return ""


def refuse(environment: Environment, service: str) -> None:
    """Raise Refused where the console does not restart this service."""
    if words := refusal(environment, service):
        raise Refused(words)


def rests(service: str, others: int) -> str:
    """What rests until the one replica is back, in words; empty where `others` run beside it."""
    if others:
        return ""
    return {
        "haproxy": _("Until it is back, for some seconds, nobody reaches the site."),
        "nginx": _("Until it is back, for some seconds, nobody reaches the site."),
        "web": _("Until it is back, for up to a minute, all pages and all of REST answer 503."),
        "postgres": _("Until it is back, all pages and all of REST answer 503; nothing is scored."),
        "worker": _("Until it is back, for up to a minute, answers wait and nothing is scored."),
        "inference": _("Until it is back, for up to a minute, answers wait and nothing is scored."),
        "broker": _("Until it is back, for some seconds, answers wait and nothing is scored."),
        "beat": _("Until it is back, for some seconds, nothing that has a schedule is begun."),
    }.get(service, _("There is no second one: what it does rests until it is back."))

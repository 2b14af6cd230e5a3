"""Going back: the deployment of an earlier release, by the digests that ran then."""

from django.utils.translation import gettext as _

from opsconsole.deployments import request
from opsconsole.models import Caller, Deployment, Environment, Release
from pmscoring.base.refusals import Refused


def rollback(
    environment: Environment,
    *,
    caller: Caller,
    to: Release | None = None,
    maintenance: bool = False,
    why: str = "",
) -> Deployment:
    """Ask for the deployment of `to`, or of what ran before; raises Refused and Busy."""
    release = to or earlier(environment)
    return request.request(
        environment, caller=caller, release=release, maintenance=maintenance, why=why
    )


def earlier(environment: Environment) -> Release:
    """What ran before the release that runs; raises Refused where nothing did.

    What the deployment of the release that runs replaced; without one, what the last successful
    deployment brought, for somebody else has replaced that since; without any, the newest of before
    that ran.
    """
    live = environment.deployments.filter(status=Deployment.Status.LIVE).order_by("-finished_at")
    brought = live.filter(to_release=environment.release).exclude(from_release=environment.release)
    if (own := brought.exclude(from_release=None).first()) and own.from_release:
        return own.from_release
    last = live.first()
    if last and last.to_release and last.to_release != environment.release:
        return last.to_release
    others = environment.releases.ran()
    if environment.release:
        others = others.filter(created_at__lt=environment.release.created_at)
    if release := others.first():
        return release
    raise Refused(_("nothing ran before that is known of"))

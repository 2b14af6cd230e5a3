"""Asking for a deployment, and approving one; both write rows, and touch no engine."""

from collections.abc import Sequence
from contextlib import suppress

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.deployments import bundles
from opsconsole.deployments.plan import DEFAULT_REGISTRY
from opsconsole.environments import guards
from opsconsole.environments.shape import TAG
from opsconsole.environments.windows import refuse_in_window
from opsconsole.models import Caller, Deployment, Environment, Event, Release
from opsconsole.models.events import SYSTEM
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Busy, Refused

Source = Deployment.Source


def request(
    environment: Environment,
    *,
    caller: Caller,
    version: str = "",
    bundle: str = "",
    release: Release | None = None,
    maintenance: bool = False,
    why: str = "",
    needs_approval: bool = False,
) -> Deployment:
    """A deployment for an operations worker to drive; of a version, a bundle or a release.

    Raises Refused, and Busy while another one of the environment, or a restore, is under way. One
    that only waits for an approval is withdrawn by a request that needs none.

    Two requests at once: the constraint of the table lets one through, and the other gets Busy.
    """
    deployment = draft(
        environment, version=version, bundle=bundle, release=release, maintenance=maintenance
    )
    refuse_in_window(why)
    deployment.why, deployment.needs_approval = why[:200], needs_approval
    deployment.requested_by = caller.name[:150]
    deployment.language = translation.get_language() or settings.LANGUAGE_CODE
    guards.refuse_while_restoring(environment)
    guards.refuse_while_removing(environment)
    try:
        with transaction.atomic():
            if not needs_approval:
                _withdraw_unapproved(environment, caller)
            deployment.save()
            _record(deployment, caller)
    except IntegrityError:
        other = environment.deployments.unfinished().first()
        raise Busy(_("another deployment is under way: %s") % (other or "")) from None
    return deployment


def draft(
    environment: Environment,
    *,
    version: str = "",
    bundle: str = "",
    release: Release | None = None,
    maintenance: bool = False,
) -> Deployment:
    """The deployment that would be requested, not saved: for a dry run. Raises Refused."""
    _refuse_without_engine(environment)
    if release and release.environment_id != environment.pk:
        raise Refused(_("that release is another environment's"))
    if release and not environment.releases.ran().filter(pk=release.pk).exists():
        raise Refused(_("%s never ran there; it is deployed by its version") % release)
    if bundle:
        bundles.refuse_nonsense(bundle)
    tag = release.version if release else version or bundles.tag_of(bundle)
    if not TAG.fullmatch(tag):
        raise Refused(_("name a version: letters, digits, dots, hyphens, as 1.4.0"))
    return Deployment(
        environment=environment,
        version=tag,
        source=_source(bundle, release),
        bundle=bundle,
        to_release=release,
        from_release=environment.release,
        maintenance=maintenance,
    )


def _source(bundle: str, release: Release | None) -> str:
    """A registry is asked only where the site names one.

    By the row of the running installation: the web server has no variables of the site.
    """
    if release:
        return Source.RELEASE
    if bundle:
        return Source.BUNDLE
    here = Environment.objects.filter(is_here=True).first()
    registry = here.variables.get("REGISTRY_URL") if here else None
    return Source.ENGINE if registry in (None, "", DEFAULT_REGISTRY) else Source.REGISTRY


def _refuse_without_engine(environment: Environment) -> None:
    if environment.removed_at:
        raise Refused(_("this environment was removed"))
    if environment.engine == Environment.Engine.EMBEDDED:
        raise Refused(
            _("the installation without Docker is not deployed by the console: "
              "stop it, bring the new version's files, and start it with make run")
        )  # fmt: skip


def _withdraw_unapproved(environment: Environment, caller: Caller) -> None:
    """Cancel what a pipeline asked for and nobody has approved yet.

    Somebody may approve it at this moment. The lock lets one of the two through: after an approval
    the row is not unapproved any more, and the constraint of the table refuses the new request.
    """
    for waiting in environment.deployments.unapproved().select_for_update():
        with waiting.in_its_language():
            reason = _("%s asked for another deployment meanwhile") % caller.name
            waiting.become(Deployment.Status.CANCELLED, reason=reason, **waiting.at_end())
            Event.objects.record("deployment.cancelled", waiting, caller, reason=reason)


def _record(deployment: Deployment, caller: Caller) -> None:
    Event.objects.record(
        "deployment.requested",
        deployment,
        caller,
        version=deployment.version,
        source_of_images=deployment.source,
        maintenance=deployment.maintenance,
        needs_approval=deployment.needs_approval,
        why=deployment.why,
    )


def approve(deployment: Deployment, *, caller: Caller, why: str = "") -> None:
    """Let a worker take up a deployment that a pipeline asked for; raises Refused and Busy.

    Of two who approve at once, and of one who approves what another one cancels, the second finds
    no row to change.
    """
    why = why or deployment.why
    refuse_in_window(why)
    guards.refuse_while_restoring(deployment.environment)
    with transaction.atomic():
        waiting = Deployment.objects.unapproved().filter(pk=deployment.pk)
        if not waiting.update(approved_at=now(), approved_by=caller.name[:150], why=why[:200]):
            raise Refused(_("this deployment does not wait for an approval"))
        deployment.refresh_from_db()
        Event.objects.record("deployment.approved", deployment, caller, why=why)


def expire() -> Sequence[Deployment]:
    """Cancel what nobody has approved, or taken up, in time: others wait for it."""
    expired = list(Deployment.objects.expired())
    for deployment in expired:
        # Whoever took it up, or approved and took it up, since the look has it.
        with suppress(WrongState), deployment.in_its_language(), transaction.atomic():
            reason = (
                _("nobody approved it in time") if deployment.needs_approval
                and not deployment.approved_at else _("no operations worker took it up in time")
            )  # fmt: skip
            deployment.become(Deployment.Status.CANCELLED, reason=reason, **deployment.at_end())
            Event.objects.record(
                "deployment.cancelled", deployment, SYSTEM, result="failed", reason=reason
            )
    return expired

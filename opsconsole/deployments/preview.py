"""What a deployment would do, asked for in the admin.

It is an operation, for only the operations worker sees an engine; its output is the plan.
"""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from opsconsole.deployments import prepare, request
from opsconsole.deployments.plan import printed
from opsconsole.environments import operate
from opsconsole.environments.engine import engine_of
from opsconsole.environments.output import Output
from opsconsole.environments.performing import Deed, Done
from opsconsole.models import Caller, Environment, Operation, Release
from pmscoring.base.refusals import Refused


def ask(
    environment: Environment,
    *,
    caller: Caller,
    version: str = "",
    bundle: str = "",
    release: Release | None = None,
    maintenance: bool = False,
) -> Operation:
    """Ask for the plan of a deployment; raises Refused where that would be refused."""
    draft = request.draft(
        environment, version=version, bundle=bundle, release=release, maintenance=maintenance
    )
    arguments = {
        "version": draft.version,
        "bundle": bundle,
        "release": str(release.uid) if release else "",
        "maintenance": maintenance,
    }
    return operate.request(
        environment, Operation.Kind.PLAN, caller=caller, arguments=arguments, target=""
    )


def release_of(operation: Operation) -> Release | None:
    """The earlier release that is meant; raises Refused where there is none of this id."""
    uid = operation.arguments.get("release")
    if not uid:
        return None
    release = operation.environment.releases.filter(uid=uid).first()
    if release is None:
        raise Refused(_("there is no such release"))
    return release


def _plan(operation: Operation, output: Output) -> Done:
    arguments, environment = operation.arguments, operation.environment
    draft = request.draft(
        environment,
        version=str(arguments.get("version") or ""),
        bundle=str(arguments.get("bundle") or ""),
        release=release_of(operation),
        maintenance=arguments.get("maintenance") is True,
    )
    document = printed(*prepare.dry_run(draft, engine_of(environment)))
    for line in document["plan"]:
        output.line(line)
    recreated = ", ".join(document["recreates"]) or _("none")
    output.line(_("Containers that are replaced: %s") % recreated)
    return Done("deployment.planned", {"version": draft.version})


DEEDS: Mapping[str, Deed] = {Operation.Kind.PLAN: _plan}

"""The maintenance page after a deployment that left a database which nothing that runs can serve.

Its row says so in `migrations["stuck"]`. The page stays, renewed by every sweep, until a version
goes live or a restore of the database is done. Whatever is deployed or restored meanwhile shows the
page by itself, and ends it.
"""

from opsconsole.models import Deployment, Restore
from pmscoring.base import hold

Status = Deployment.Status


def left() -> Deployment | None:
    """The deployment for which the page stays; None where there is none, or it was mended."""
    failed = Deployment.objects.filter(
        environment__is_here=True, status=Status.FAILED, migrations__stuck=True
    )
    last = failed.order_by("finished_at").last()
    return last if last and not _is_mended(last) else None


def _is_mended(failed: Deployment) -> bool:
    since = {"finished_at__gt": failed.finished_at}
    live = Deployment.objects.filter(environment__is_here=True, status=Status.LIVE, **since)
    restored = Restore.objects.filter(
        status=Restore.Status.DONE, parts__contains="database", **since
    )
    return live.exists() or restored.exists()


def is_wanted(deployment: Deployment) -> bool:
    """Whether the page is shown while the deployment is driven, until what it brings is watched."""
    return deployment.environment.is_here and (deployment.maintenance or left() is not None)


def keep() -> bool:
    """Renew the page if it stays and nobody else shows it; whether it is for that alone."""
    deployment = left()
    if deployment is None or _is_shown_by_others():
        return False
    hold.renew(holder_of(deployment))
    return True


def _is_shown_by_others() -> bool:
    driven = Deployment.objects.driven().filter(environment__is_here=True)
    return driven.exists() or Restore.objects.filter(status=Restore.Status.SWAPPING).exists()


def holder_of(deployment: Deployment) -> str:
    """The name by which the page is shown for it, whichever process does."""
    return f"deployment {deployment.uid}"

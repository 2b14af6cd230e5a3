"""Remove the images of releases that nobody goes back to.

The newest RELEASES_KEPT releases of an environment keep their images, and always the one that is
live, the one that was live before it, and those of a deployment under way. The engine removes only
what this environment brought there, and nothing that a container has. Build cache is left: nothing
in it says whose it is.

Race: a deployment fetches images while others are removed. None is removed while one prepares, for
its release is not recorded yet; and where one begins in the same moment, it does not find an image
that it has fetched, and ends as failed before it touches anything.
"""

import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from opsconsole.engines.base import Engine, EngineError
from opsconsole.environments.windows import refuse_in_window
from opsconsole.models import Deployment, Environment, Event, Release
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Busy, Refused

log = logging.getLogger(__name__)


def prune(environment: Environment, engine: Engine, *, reason: str = "") -> dict[str, Any]:
    """Remove old images; returns the details of the event: bytes before, after and freed.

    Raises Refused in an exam window without a reason, and where it is not known what is live; Busy
    while a deployment prepares; EngineError.
    """
    refuse_in_window(reason)
    environment.refresh_from_db(fields=["release"])
    if environment.release is None:
        raise Refused(_("nothing is removed: it is not known which release is live"))
    if _preparing(environment):
        raise Busy(_("a deployment is under way: %s") % _preparing(environment))
    releases = list(kept(environment))
    pruned = engine.prune(sorted({digest for release in releases for digest in _images(release)}))
    return {
        "before_bytes": pruned.before,
        "after_bytes": pruned.after,
        "bytes": pruned.freed,
        "releases_kept": len(releases),
    }


def after_deployment(environment: Environment, engine: Engine, *, reason: str = "") -> None:
    """The same once a deployment is live; what keeps it from being done changes nothing of that."""
    try:
        details = prune(environment, engine, reason=reason)
    except (Refused, Busy) as error:
        log.info("images of %s: %s", environment, error)
    except EngineError as error:
        words = redacted(str(error))
        Event.objects.record("images.pruned", environment, result="failed", reason=words)
    else:
        if details["bytes"]:
            Event.objects.record("images.pruned", environment, **details)


def words_of(details: dict[str, Any]) -> str:
    """The same in a sentence."""
    return _("freed %(freed)s of %(before)s; the images of %(kept)d releases stay") % {
        "freed": filesizeformat(details["bytes"]),
        "before": filesizeformat(details["before_bytes"]),
        "kept": details["releases_kept"],
    }


def kept(environment: Environment) -> Iterator[Release]:
    """The releases whose images stay, each once."""
    releases = environment.releases.order_by("-created_at", "-pk")
    newest = releases.values_list("pk", flat=True)[: settings.RELEASES_KEPT]
    wanted: set[int | None] = set(newest)
    wanted |= {environment.release_id, _before_live(environment)}
    for deployment in environment.deployments.exclude(status__in=Deployment.ENDS):
        wanted |= {deployment.from_release_id, deployment.to_release_id}
    yield from releases.filter(pk__in=[key for key in wanted if key is not None])


def _before_live(environment: Environment) -> int | None:
    """The release that the live one took the place of."""
    brought = environment.deployments.filter(
        status=Deployment.Status.LIVE, to_release=environment.release_id
    )
    last = brought.exclude(from_release=environment.release_id).order_by("finished_at").last()
    return last.from_release_id if last else None


def _preparing(environment: Environment) -> Deployment | None:
    """A deployment that fetches images, and has not recorded its release yet."""
    working = environment.deployments.filter(status__in=Deployment.working_states())
    return working.filter(to_release=None).first()


def _images(release: Release) -> Iterator[str]:
    return (image["digest"] for image in release.images.values() if image.get("digest"))

"""Releases: what runs is recorded, and what was recorded can run again."""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from opsconsole.deployments import trusted
from opsconsole.deployments.plan import LAST, ORDER
from opsconsole.engines.base import Engine, Image, Service, State, Version
from opsconsole.environments.engine import engine_of, variables_of
from opsconsole.models import Deployment, Environment, Release
from pmscoring.base.redaction import redacted

OURS = (*ORDER, LAST)


def record_running(
    environment: Environment, engine: Engine | None = None, *, driven: bool = False
) -> Release | None:
    """The release that runs, recorded if it is not the environment's already.

    Where nothing of ours runs, or two versions do, it is the last one that was recorded. Raises
    EngineError.

    Two at once: both lock the environment's row first, and the second one finds what the first one
    has recorded. While a deployment is under way its driver alone (`driven`) knows what runs.
    """
    engine = engine or engine_of(environment)
    images = running_images(engine.services())
    with transaction.atomic():
        row = Environment.objects.select_for_update().get(pk=environment.pk)
        if not images or _runs(row.release, images) or (_is_changing(row) and not driven):
            return row.release
        row.release = _recorded(row, images)
        row.save(update_fields=["release"])
    environment.release = row.release
    return row.release


def running_images(services: Iterable[Service]) -> dict[str, dict[str, str]]:
    """The image of each of our services that runs; none at all while one of them runs two."""
    images: dict[str, dict[str, str]] = {}
    for service in services:
        running = [each for each in service.replicas if each.state is State.RUNNING]
        if service.name not in OURS or not running:
            continue
        if len({replica.digest for replica in running}) > 1:
            return {}
        first = running[0]
        images[service.name] = {"reference": first.image, "digest": first.digest}
    return images


def _runs(release: Release | None, images: Mapping[str, Mapping[str, str]]) -> bool:
    if release is None:
        return False
    recorded = {name: image["digest"] for name, image in release.images.items()}
    return all(recorded.get(name) == image["digest"] for name, image in images.items())


def _is_changing(environment: Environment) -> bool:
    return environment.deployments.filter(status__in=Deployment.working_states()).exists()


def _recorded(environment: Environment, images: dict[str, dict[str, str]]) -> Release:
    """The one from before with the same images, as after a rollback by hand; or a new one.

    One that was prepared and never came is left as such: this one runs.
    """
    for release in environment.releases.ran()[:50]:
        if _runs(release, images):
            return release
    tag = tag_of(next(iter(images.values()))["reference"])
    with_repo = {name: {"repo_digest": "", **image} for name, image in images.items()}
    return Release.objects.create(
        environment=environment,
        version=tag,
        images=with_repo,
        variables={**kept_variables(environment), "VERSION": tag},
    )


def kept_variables(environment: Environment) -> dict[str, str]:
    """The environment's variables as they may be kept: an address may hold a password."""
    return {name: redacted(value) for name, value in sorted(variables_of(environment).items())}


def tag_of(reference: str) -> str:
    """The tag in an image's name; a name by digest alone has none."""
    name = reference.rpartition("/")[2].partition("@")[0]
    return name.partition(":")[2] or _("unnamed")


def version_of(release: Release) -> Version:
    """What the engine rolls a release by; raises Refused where the row is none of ours."""
    return Version(release.version, images_of(release), trusted.variables_for(release))


def version_on(engine: Engine, release: Release) -> Version:
    """The same, once its images on the engine were found to be ours; raises Refused."""
    version = version_of(release)
    trusted.refuse_foreign_images(engine, version.images)
    return version


def images_of(release: Release) -> dict[str, Image]:
    """By service; what only migrates is the application's image, also where it did not run."""
    images = trusted.images_of(release)
    return {"migrate": images["web"], **images} if "web" in images else images


def point(engine: Engine, release: Release) -> None:
    """Let the tags point to the digests that were recorded, whatever was built or pulled since.

    Raises Refused where such an image is not ours.
    """
    images = images_of(release)
    trusted.refuse_foreign_images(engine, images)
    for image in {image.digest: image for image in images.values()}.values():
        engine.point(image.reference, image.digest)

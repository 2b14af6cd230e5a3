"""Preparing: every image is on the engine before anything is touched, and is kept as a release."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from opsconsole.deployments import bundles, migrations, releases, trusted
from opsconsole.deployments.plan import (
    DEFAULT_REGISTRY,
    LAST,
    ORDER,
    Deed,
    Wanted,
    from_nothing,
    plan,
    references,
)
from opsconsole.deployments.progress import Progress
from opsconsole.engines.base import Engine, Image, Service, Version
from opsconsole.environments.engine import variables_of
from opsconsole.models import Deployment, Environment, Release
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Refused

FACTS_SECONDS = 120.0
COMMAND = ("python", "manage.py", "release_facts")


class PrepareError(Exception):
    """An image cannot be had, or tells nothing of itself."""


def wanted(deployment: Deployment, services: Mapping[str, Service]) -> Wanted:
    """What is to be deployed, as the plan needs it."""
    environment = deployment.environment
    return Wanted(
        source=deployment.source,
        tag=deployment.version,
        registry=registry_of(environment),
        services=[name for name in (*ORDER, LAST) if name in services],
        bundle=deployment.bundle,
        maintenance=deployment.maintenance,
        soak_seconds=settings.SOAK_SECONDS,
    )


def registry_of(environment: Environment) -> str:
    """What our images are named after in this environment."""
    return variables_of(environment).get("REGISTRY_URL") or DEFAULT_REGISTRY


def ours(engine: Engine) -> dict[str, Service]:
    """Our services that run; raises Refused where one has no health check.

    Without one, nobody could say that the new container works before the old one goes.
    """
    services = {each.name: each for each in engine.services() if each.name in (*ORDER, LAST)}
    services = {name: each for name, each in services.items() if each.wanted}
    if unchecked := sorted(name for name, each in services.items() if not each.has_check):
        raise Refused(_("without a health check, and so not deployed: %s") % ", ".join(unchecked))
    return services


def plan_of(
    deployment: Deployment, engine: Engine, services: Mapping[str, Service], version: Version
) -> list[Deed]:
    """The plan of the deployment on its engine as it is now."""
    names = [name for name in (*ORDER, LAST) if name in services]
    commands = {name: engine.commands(version, [name]) for name in names}
    return plan(wanted(deployment, services), commands)


def dry_run(deployment: Deployment, engine: Engine) -> tuple[list[Deed], list[str]]:
    """The plan, and the services whose containers would be replaced; nothing is changed.

    An image that is not here yet has no digest, and so counts as another one.
    """
    services, environment = ours(engine), deployment.environment
    if not environment.laid_out_at:
        return from_nothing(wanted(deployment, services), environment.project), []
    version = _version_by_name(deployment, engine, services)
    recreated = [name for name in engine.recreates(version) if name in version.images]
    return plan_of(deployment, engine, services, version), recreated


def _version_by_name(
    deployment: Deployment, engine: Engine, services: Mapping[str, Service]
) -> Version:
    if deployment.to_release:
        return releases.version_of(deployment.to_release)
    images = {
        name: engine.image(reference) or Image(reference, "")
        for name, reference in references(wanted(deployment, services)).items()
    }
    variables = {**variables_of(deployment.environment), "VERSION": deployment.version}
    return Version(deployment.version, images, variables)


def prepare(deployment: Deployment, engine: Engine, progress: Progress) -> dict[str, Any]:
    """Have all images here, record the release, and return the facts of it; nothing is replaced.

    Raises Refused, PrepareError, BundleError and EngineError, with the registry's own words.
    """
    progress.begin(_("preparing the images"))
    services = ours(engine)
    release = deployment.to_release
    if release:
        _still_here(engine, release, progress)
        releases.point(engine, release)
        version = releases.version_of(release)
    else:
        images = fetch(deployment, engine, services, progress)
        variables = {**variables_of(deployment.environment), "VERSION": deployment.version}
        version = Version(deployment.version, images, variables)
    facts = ask(engine, version, progress)
    if not release:
        release = record(deployment, version, facts)
        releases.point(engine, release)
    progress.end(says=_("recorded as release %s") % release)
    return facts


def fetch(
    deployment: Deployment,
    engine: Engine,
    services: Mapping[str, Service],
    progress: Progress,
) -> dict[str, Image]:
    """By service; each reference is fetched once. Raises PrepareError, BundleError, EngineError."""
    target = wanted(deployment, services)
    names = references(target)
    fetched: dict[str, Image] = {}
    for deed in plan(target, {}):
        if deed.what == "load":
            with bundles.images(bundles.path_of(deed.on), progress.alive) as archive:
                loaded = engine.load(archive, progress.say, progress.alive)
            fetched |= {image.reference: image for image in loaded}
        elif deed.what == "pull":
            fetched[deed.on] = engine.pull(deed.on, progress.say, progress.alive)
        elif deed.what == "take" and (there := engine.image(deed.on)):
            fetched[deed.on] = there
            progress.say(_("%(name)s is here") % {"name": deed.on})
    if missing := sorted(set(names.values()) - set(fetched)):
        raise PrepareError(_("not here: %s") % ", ".join(missing))
    return {service: fetched[reference] for service, reference in names.items()}


def _still_here(engine: Engine, release: Release, progress: Progress) -> None:
    """Each image of an earlier release, by its digest; what was removed is pulled again by its
    registry's digest, and must be the same one.
    """
    for image in {each.digest: each for each in releases.images_of(release).values()}.values():
        if engine.image(image.digest):
            continue
        if not image.repo_digest:
            raise PrepareError(
                _("the image %(name)s of that release is no longer here")
                % {"name": image.reference}
            )
        pulled = engine.pull(image.repo_digest, progress.say, progress.alive)
        if pulled.digest != image.digest:
            raise PrepareError(
                _("the registry has another image for %(name)s now") % {"name": image.reference}
            )


def ask(
    engine: Engine,
    version: Version | None,
    progress: Progress,
    back_to: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the version's own ops image says of itself; without a version, the one that runs."""
    pairs = [".".join(trusted.migration(*pair)) for pair in sorted((back_to or {}).items())]
    argv = [*COMMAND, "--json", *(["--back-to", *pairs] if pairs else [])]
    finished = engine.run_once(
        LAST,
        argv,
        version=version,
        timeout=timedelta(seconds=FACTS_SECONDS),
        say=_unheard,
        alive=progress.alive,
    )
    document = last_document(finished.output)
    if finished.exit_code or document is None:
        says = redacted(finished.output.strip()[-400:])
        raise PrepareError(_("the new version does not start: %s") % says)
    return document


def last_document(output: str) -> dict[str, Any] | None:
    """The last line that is a JSON object: a container may have logged before it."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            try:
                document: dict[str, Any] = json.loads(line)
            except ValueError:
                continue
            return document
    return None


def _unheard(_text: str) -> None:
    """A document is not for people."""


def record(deployment: Deployment, version: Version, facts: Mapping[str, Any]) -> Release:
    """The release of these images and facts, which is the deployment's from its first moment.

    Another environment is laid out and rolled by the Compose files of this console's version, not
    of the release's.
    """
    is_here = deployment.environment.is_here
    images = {
        name: {
            "reference": image.reference, "digest": image.digest, "repo_digest": image.repo_digest
        }
        for name, image in version.images.items()
    }  # fmt: skip
    variables = releases.kept_variables(deployment.environment)
    with transaction.atomic():
        release = Release.objects.create(
            environment=deployment.environment,
            version=deployment.version,
            images=images,
            files=facts.get("files", {}) if is_here else migrations.files(),
            variables={**variables, "VERSION": deployment.version},
            secrets=dict(facts.get("fingerprints", ())),
            migrations=facts.get("migrations", {}),
        )
        deployment.beat(to_release=release)
    return release

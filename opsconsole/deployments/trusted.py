"""What a row may make the operations worker run, checked again each time before it is run.

Rows are written by the web server too, and that may have been taken over. A tag is a tag. A release
has images of ours alone, by the names that the site gives them and by digests of images that carry
our label. Of its variables it keeps those that an environment may set for itself: whatever decides
which folder of the host is mounted, which image runs or which server is asked is the site's own.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.deployments import bundles
from opsconsole.deployments.plan import DEFAULT_REGISTRY, PARTS
from opsconsole.engines.base import Engine, Image
from opsconsole.environments import variables
from opsconsole.environments.engine import variables_of
from opsconsole.environments.shape import TAG
from opsconsole.models import Deployment, Release
from pmscoring.base.redaction import GONE
from pmscoring.base.refusals import Refused

DIGEST = re.compile(r"sha256:[A-Za-z0-9._-]{1,100}")
LABEL = "pmscoring.part"
ALSO = {"app": "development"}
"""The overlay dev runs an image of its own under the application's name."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""Of an app; a migration's begins with its number."""
MIGRATION = re.compile(r"[A-Za-z0-9_]{1,150}")
Source = Deployment.Source


def refuse_foreign_deployment(deployment: Deployment) -> None:
    """Raise Refused for a row that no request of ours has written."""
    if not TAG.fullmatch(deployment.version):
        raise Refused(_("%r is no version") % deployment.version[:100])
    if deployment.source not in Source:
        raise Refused(_("%r is no source of images") % deployment.source[:20])
    if deployment.source == Source.BUNDLE:
        bundles.refuse_nonsense(deployment.bundle)
    for release in (deployment.from_release, deployment.to_release):
        if release and release.environment_id != deployment.environment_id:
            raise Refused(_("that release is another environment's"))


def images_of(release: Release) -> dict[str, Image]:
    """By service; raises Refused for a name, a tag or a digest that is none of ours."""
    if not TAG.fullmatch(release.version):
        raise Refused(_("%r is no version") % release.version[:100])
    registries = {DEFAULT_REGISTRY, _registry(release)}
    return {
        service: _image(service, document, registries)
        for service, document in release.images.items()
    }


def _registry(release: Release) -> str:
    return variables_of(release.environment).get("REGISTRY_URL") or DEFAULT_REGISTRY


def _image(service: str, document: Mapping[str, Any], registries: set[str]) -> Image:
    reference, digest = str(document.get("reference")), str(document.get("digest"))
    repo_digest = str(document.get("repo_digest") or "")
    part = PARTS.get(service)
    names = {f"{registry}/pm-scoring-{part}" for registry in registries}
    name, _colon, tag = reference.partition("@")[0].rpartition(":")
    if part is None or name not in names or not TAG.fullmatch(tag):
        raise Refused(_("%r is no image of ours") % reference[:100])
    if not DIGEST.fullmatch(digest):
        raise Refused(_("%r is no digest") % digest[:100])
    repository, _at, registered = repo_digest.partition("@")
    if repo_digest and (repository not in names or not DIGEST.fullmatch(registered)):
        # It may have come from a registry that the site had before; it is not asked again.
        repo_digest = ""
    return Image(f"{name}:{tag}", digest, repo_digest)


def refuse_foreign_images(engine: Engine, images: Mapping[str, Image]) -> None:
    """Raise Refused where a digest is that of an image on the engine that is not ours."""
    for service, image in images.items():
        there, part = engine.image(image.digest), PARTS[service]
        if there and there.labels.get(LABEL) not in (part, ALSO.get(part, part)):
            words = {"digest": image.digest[:100], "part": part}
            raise Refused(_("the image %(digest)s is not our %(part)s") % words)


def variables_for(release: Release) -> dict[str, str]:
    """What it ran with where that is an environment's own choice; the rest is as on the site."""
    chosen = {
        name: value for name, value in release.variables.items() if name in variables.SETTABLE
    }
    ran_with = {name: value for name, value in chosen.items() if _is_whole(name, value)}
    of_site = {
        name: value
        for name, value in variables_of(release.environment).items()
        if name not in variables.SETTABLE or (name in chosen and name not in ran_with)
    }
    return {**of_site, **ran_with, "VERSION": release.version}


def _is_whole(name: str, value: object) -> bool:
    """Whether it may be set so; a value that was kept without a secret in it is not whole."""
    return variables.may_be(name, value) and GONE not in str(value)


def migration(app: str, name: str) -> tuple[str, str]:
    """The two as words of a command; raises Refused where one could be an option of it."""
    if not NAME.fullmatch(app) or not MIGRATION.fullmatch(name):
        raise Refused(_("%r is no migration") % f"{app}.{name}"[:100])
    return app, name

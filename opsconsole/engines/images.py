"""Images on a Docker Engine: fetched, loaded, tagged, kept for an environment, and dropped again.

All environments of an engine share its images. So an environment keeps each of its own under one
more name, KEPT/<project>:<beginning of the digest>, and removes nothing but what it keeps so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from docker.auth import load_config, resolve_repository_name
from docker.utils import parse_repository_tag

from opsconsole.engines.base import EngineError, Image, Pruned, Say
from opsconsole.engines.daemon import Daemon, Gone
from opsconsole.engines.meanwhile import meanwhile
from pmscoring.base.progress import Alive
from pmscoring.base.redaction import redacted

PART = "pmscoring.part"
"""The label of the images that are ours."""
KEPT = "pmscoring.kept"
LOADED = "Loaded image: "
OURS = "pm-scoring-"
"""How the names of our images begin, after the registry's."""


class Images:
    """Those of one environment."""

    def __init__(self, daemon: Daemon, project: str, logins: Path | None) -> None:
        self.daemon, self.project, self.logins = daemon, project, logins

    def find(self, reference: str) -> Image | None:
        """An image that is there."""
        try:
            found = self.daemon.ask(lambda: self.daemon.api.inspect_image(reference))
        except Gone:
            return None
        return Image(
            reference=reference,
            digest=found["Id"],
            repo_digest=_of_registry(reference, found.get("RepoDigests") or ()),
            bytes=found["Size"],
            labels=(found.get("Config") or {}).get("Labels") or {},
        )

    def pull(self, reference: str, say: Say, alive: Alive) -> Image:
        """Fetch an image; raises EngineError with the registry's own words."""
        repository, tag = parse_repository_tag(reference)
        api, login = self.daemon.slow_api, self._login(repository)
        options = {"tag": tag or "latest", "stream": True, "decode": True, "auth_config": login}
        self._say(lambda: api.pull(repository, **options), say, alive)
        return self._kept(reference)

    def _say(self, deed: Callable[[], Iterable[Any]], say: Say, alive: Alive) -> list[str]:
        """What the engine says while it does it."""
        lines = []
        for line in _said(meanwhile(lambda: self.daemon.stream(deed), alive)):
            say(line)
            lines.append(line)
        return lines

    def _login(self, repository: str) -> dict[str, str] | None:
        if self.logins is None:
            return None
        registry, _rest = resolve_repository_name(repository)
        config = load_config(config_path=str(self.logins / "config.json"))
        login: dict[str, str] | None = config.resolve_authconfig(registry)
        return login

    def load(self, archive: Path, say: Say, alive: Alive) -> list[Image]:
        """Images from an archive of `docker save`."""
        api = self.daemon.slow_api
        try:
            with archive.open("rb") as file:
                lines = self._say(lambda: api.load_image(file, quiet=True), say, alive)
        except OSError as error:
            raise EngineError(f"{archive.name}: {error.strerror}") from error
        loaded = (line.partition(LOADED)[2] for line in lines if LOADED in line)
        return [self._kept(reference) for reference in loaded]

    def point(self, reference: str, digest: str) -> None:
        """Let the tag point to an image that is there."""
        self._tag(reference, digest)
        self._kept(reference)

    def _tag(self, reference: str, digest: str) -> None:
        repository, tag = parse_repository_tag(reference)
        self.daemon.ask(lambda: self.daemon.api.tag(digest, repository, tag or "latest"))

    @contextmanager
    def meant(self, image: Image) -> Iterator[None]:
        """Let the image's tag point to it for as long as the `with` lasts.

        Somebody may have built or pulled another one under that name, to deploy it later: then the
        tag is theirs again afterwards. Whoever does so in these seconds has it taken back.
        """
        there = self.find(image.reference)
        if there and there.digest == image.digest:
            yield
            return
        self._tag(image.reference, image.digest)
        try:
            yield
        finally:
            if there:
                self._tag(image.reference, there.digest)

    def _kept(self, reference: str) -> Image:
        image = self.find(reference)
        if image is None:
            raise EngineError(_("There is no image {image}.").format(image=reference))
        if PART in image.labels:
            tag = _short(image.digest)
            self.daemon.ask(lambda: self.daemon.api.tag(image.digest, self._keeper, tag))
        return image

    @property
    def _keeper(self) -> str:
        return f"{KEPT}/{self.project}"

    def prune(self, keep: Sequence[str]) -> Pruned:
        """Remove the images that the environment keeps, but those digests and what runs."""
        before = self._stored()
        for image in self.daemon.ask(lambda: self.daemon.api.images(filters={"label": PART})):
            if image["Id"] not in keep and self._is_kept(image):
                self._drop(image)
        return Pruned(before, self._stored())

    def _stored(self) -> int:
        return int(self.daemon.ask(lambda: self.daemon.slow_api.df())["LayersSize"])

    def _is_kept(self, image: dict[str, Any]) -> bool:
        return f"{self._keeper}:{_short(image['Id'])}" in (image["RepoTags"] or ())

    def _drop(self, image: dict[str, Any]) -> None:
        """Take our names off the image; with the last one the engine removes it.

        An image that a container has, or that another environment keeps, stays.
        """
        if self.daemon.ask(lambda: self.daemon.api.containers(all=True, filters=_with(image))):
            return
        own = f"{self._keeper}:{_short(image['Id'])}"
        others = [tag for tag in image["RepoTags"] if tag != own]
        if any(tag.startswith(f"{KEPT}/") for tag in others):
            others = []
        ours = [tag for tag in others if tag.rpartition("/")[2].startswith(OURS)]
        for tag in (*ours, own):
            self._untag(tag)

    def _untag(self, tag: str) -> None:
        with suppress(Gone):
            self.daemon.ask(lambda: self.daemon.slow_api.remove_image(tag))


def _of_registry(reference: str, repo_digests: Sequence[str]) -> str:
    """The registry's digest, under the reference's own name unless that is a digest itself."""
    repository = parse_repository_tag(reference)[0]
    by_digest = reference.startswith("sha256:")
    own = (one for one in repo_digests if by_digest or one.partition("@")[0] == repository)
    return next(own, "")


def _with(image: dict[str, Any]) -> dict[str, str]:
    return {"ancestor": image["Id"]}


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _said(documents: Iterator[Any]) -> Iterator[str]:
    """The lines of a stream of progress; raises EngineError with the error in it."""
    before = ""
    for document in documents:
        if "error" in document:
            raise EngineError(redacted(str(document["error"]).strip()))
        text = str(document.get("stream") or document.get("status") or "").strip()
        part = document.get("id")
        line = f"{part}: {text}" if part else text
        if line and line != before:
            yield line
            before = line

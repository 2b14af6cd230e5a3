"""What another container, or a command, is of: the image that runs, whatever the tags mean."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsconsole.engines.base import Image
from opsconsole.engines.compose import Compose
from opsconsole.engines.compose_project import HASH, SERVICE, tag_in
from opsconsole.engines.images import Images
from opsconsole.engines.layout import Layout

NAME = "pmscoring.local/pm-scoring-app"
FILES = """
services:
  migrate: {image: "pmscoring.local/pm-scoring-app:1", restart: "no"}
  ops: {image: "pmscoring.local/pm-scoring-ops:1", restart: always}
  web: {image: "pmscoring.local/pm-scoring-app:1", restart: always}
"""


class Told(Exception):
    """The command that would make a container; nothing is made."""


class Project:
    """A project of site version 1 whose containers are said to be those given."""

    def __init__(self, *containers: dict[str, Any]) -> None:
        self.tags = {f"{NAME}:1": "sha256:one", f"{NAME}:2": "sha256:two"}
        self.meant: dict[str, str] = {}
        self.tag = ""
        layout = Layout("id", "staging", Path(), variables={"VERSION": "1"})
        self.engine = Compose(layout)
        self.engine.project.command = self.command
        self.engine.containers.all = lambda **_labels: list(containers)  # type: ignore[method-assign]
        self.engine.images = Tags(self.tags)

    def command(
        self, argv: Sequence[str], _variables: Mapping[str, str], tag: str = "", **_how: object
    ) -> str:
        if argv[-1] == "config":
            return FILES
        self.tag, self.meant = tag, dict(self.tags)
        raise Told

    def run(self, service: str) -> None:
        """Run a command as the service."""
        with suppress(Told):
            self.engine.run_once(
                service, ["true"], timeout=timedelta(seconds=1), say=print, alive=lambda: None
            )


class Tags(Images):
    """The tags of an engine in memory."""

    def __init__(self, tags: dict[str, str]) -> None:
        self.tags = tags

    def find(self, reference: str) -> Image | None:
        digest = self.tags.get(reference)
        return Image(reference, digest) if digest else None

    def _tag(self, reference: str, digest: str) -> None:
        self.tags[reference] = digest


def container(service: str, tag: str, digest: str, *, restart: str = "always") -> dict[str, Any]:
    return {
        "Id": f"{service}-{digest}",
        "Name": f"/staging-{service}-1",
        "Image": digest,
        "State": {"Status": "running" if restart == "always" else "exited"},
        "Config": {"Image": f"{NAME}:{tag}", "Labels": {SERVICE: service, HASH: ""}},
        "HostConfig": {"RestartPolicy": {"Name": restart}},
    }


def test_another_replica_is_of_the_version_that_runs_and_not_of_the_sites() -> None:
    project = Project(container("web", "2", "sha256:two"))

    with pytest.raises(Told):
        project.engine.scale("web", 2)

    assert project.tag == "2"


def test_a_tag_that_was_built_anew_means_what_runs_for_as_long_as_a_replica_is_made() -> None:
    project = Project(container("web", "2", "sha256:older"))

    with pytest.raises(Told):
        project.engine.scale("web", 2)

    assert project.meant[f"{NAME}:2"] == "sha256:older"
    assert project.tags[f"{NAME}:2"] == "sha256:two"


def test_a_migration_is_of_the_application_that_runs_and_not_of_its_first_version() -> None:
    project = Project(
        container("migrate", "1", "sha256:one", restart="no"), container("web", "2", "sha256:two")
    )

    project.run("migrate")

    assert project.tag == "2"


def test_what_the_files_do_not_know_is_left_to_compose() -> None:
    project = Project(container("orphan", "2", "sha256:two"))

    with pytest.raises(Told):
        project.engine.scale("orphan", 2)

    assert project.tag == ""


def test_a_command_where_nothing_runs_is_of_the_sites_version() -> None:
    project = Project()

    project.run("ops")

    assert project.tag == ""


@pytest.mark.parametrize(
    ("reference", "configured", "version", "tag"),
    [
        (f"{NAME}:2", f"{NAME}:1", "1", "2"),
        (f"{NAME}:2.1-cuda", f"{NAME}:1.0-cuda", "1.0", "2.1"),
        ("other/pm-scoring-app:2", f"{NAME}:1", "1", ""),
        ("sha256:0123", f"{NAME}:1", "1", ""),
        (f"{NAME}:2", f"{NAME}:1", "", ""),
        ("redis:8.2", "redis:8.2", "1", ""),
    ],
)
def test_the_tag_is_found_where_the_files_have_it(
    reference: str, configured: str, version: str, tag: str
) -> None:
    assert tag_in(reference, configured, version) == tag

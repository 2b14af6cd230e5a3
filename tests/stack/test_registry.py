"""Images from a real registry: with a login, without one, with a wrong one, and not there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.engines.base import EngineError
from opsconsole.engines.compose import Compose
from opsconsole.engines.layout import Layout
from tests.opsconsole.engines.contract import nothing
from tests.stack.engine import docker, inspect
from tests.stack.registry import PASSWORD, PROGRAM, Registry, a_registry

pytestmark = pytest.mark.skipif(not PROGRAM, reason="docker-registry is not installed")
PROJECT = "engines-registry"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """With one small image, which the engine has no more."""
    with a_registry(tmp_path_factory.mktemp("registry")) as made:
        small = f"{made.name}/pm-scoring-app:1"
        docker("import", "--change=LABEL pmscoring.part=app", "-", small)
        docker("--config", str(made.logins(PASSWORD)), "push", small)
        docker("rmi", small)
        yield made
        left = docker("images", "-q", f"{made.name}/*").split()
        if gone := {*left, *docker("images", "-q", f"pmscoring.kept/{PROJECT}").split()}:
            docker("rmi", "--force", *gone)


@pytest.fixture
def image(registry: Registry) -> str:
    return f"{registry.name}/pm-scoring-app:1"


def engine(folder: Path, logins: Path) -> Compose:
    return Compose(Layout("an-id", PROJECT, folder, logins=logins))


def test_it_pulls_with_the_right_login(registry: Registry, image: str, tmp_path: Path) -> None:
    said: list[str] = []
    pulled = engine(tmp_path, registry.logins(PASSWORD)).pull(image, said.append, nothing)
    assert pulled.digest.startswith("sha256:")
    assert pulled.repo_digest.startswith(f"{registry.name}/pm-scoring-app@sha256:")
    assert any("Digest" in line for line in said)
    [found] = inspect(pulled.digest)
    assert f"pmscoring.kept/{PROJECT}:{pulled.digest[7:19]}" in found["RepoTags"]


@pytest.mark.parametrize(
    ("password", "name", "says"),
    [
        ("expired-login", "pm-scoring-app:1", "unauthorized"),
        (PASSWORD, "pm-scoring-app:2", "manifest unknown|not found"),
    ],
)
def test_it_tells_the_registrys_own_words(
    registry: Registry, tmp_path: Path, password: str, name: str, says: str
) -> None:
    with pytest.raises(EngineError, match=says) as caught:
        engine(tmp_path, registry.logins(password)).pull(
            f"{registry.name}/{name}", nothing, nothing
        )
    assert password not in str(caught.value)


def test_without_a_login_it_says_that_one_is_wanted(
    registry: Registry, image: str, tmp_path: Path
) -> None:
    nobody = tmp_path / "nobody"
    nobody.mkdir()
    (nobody / "config.json").write_text("{}")
    with pytest.raises(EngineError, match=r"no basic auth credentials|unauthorized"):
        engine(tmp_path, nobody).pull(image, nothing, nothing)

"""A whole Compose project: laid out from nothing, and removed."""

import time
from datetime import timedelta
from pathlib import PurePosixPath

from django.utils.translation import gettext as _

from opsconsole.engines.base import EngineError, Say, Version
from opsconsole.engines.compose_project import PROJECT, ComposeProject, service_of
from opsconsole.engines.containers import last_words
from opsconsole.engines.meanwhile import in_parallel, paced
from opsconsole.engines.parsing import Document, check_of, is_one_shot
from pmscoring.base.progress import Alive

LAYING = timedelta(minutes=15)
SECRETS = "init-secrets"
"""The service that writes secrets into the folder SECRETS_DIR."""
FOLDER = "SECRETS_DIR"
HAND_OVER = (
    '[ "$(stat -c %u /secrets)" != 0 ] || {{ chmod 0700 /secrets && chown {owner} /secrets; }}'
)
EMPTY = "find /secrets -mindepth 1 -delete"
BESIDE, ABOVE = "environments", "/above"
"""The folder with those of added environments, and where it is seen to remove one of them."""
LOOK_SECONDS = 1.0


def lay_out(project: ComposeProject, version: Version, say: Say, alive: Alive) -> None:
    """Create it with secrets of its own, and wait until all of it is healthy."""
    write_secrets(project, version, say)
    say(_("creating networks, volumes and containers"))
    argv = project.layout.compose("up", "--detach", "--no-build")
    seconds = LAYING.total_seconds()
    project.command(argv, version.variables, version.tag, seconds=seconds, alive=alive)
    _await_all(project, say, alive)


def write_secrets(project: ComposeProject, version: Version, say: Say) -> None:
    """Those that are missing. The engine makes the folder as root's; it is handed over first."""
    if FOLDER not in _variables(project, version):
        return
    say(_("writing secrets"))
    owner = "{HOST_UID}:{HOST_GID}".format_map({**OWNER, **_variables(project, version)})
    hand_over = HAND_OVER.format(owner=owner)
    _with_secrets(project, version, "sh", "-c", hand_over, as_root=True)
    _with_secrets(project, version)


OWNER = {"HOST_UID": "0", "HOST_GID": "0"}
"""Of secrets, where the environment names none."""


def _variables(project: ComposeProject, version: Version) -> dict[str, str]:
    return {**project.layout.variables, **version.variables}


def _with_secrets(
    project: ComposeProject, version: Version, *argv: str, as_root: bool = False
) -> None:
    root = ["--user=0:0", "--cap-add=CHOWN"] if as_root else []
    words = ["run", "--rm", "--no-deps", "--no-TTY", *root, SECRETS, *argv]
    project.command(project.layout.compose(*words), version.variables, version.tag)


def _await_all(project: ComposeProject, say: Say, alive: Alive) -> None:
    """By our own look: Compose's `--wait` takes a one-shot that has ended for a failure."""
    end, beat = time.monotonic() + LAYING.total_seconds(), paced(alive)
    ready: set[str] = set()
    while True:
        waiting = {}
        for one in project.lasting():
            name = one["Name"].lstrip("/")
            if not _is_ready(project, one):
                waiting[name] = one
            elif name not in ready:
                ready.add(name)
                say(_("{name} is ready").format(name=name))
        if not waiting and ready:
            return
        beat()
        if time.monotonic() > end:
            says = [
                f"{name}: {last_words(project.containers, one)}" for name, one in waiting.items()
            ]
            raise EngineError(_("Not ready in time: {says}").format(says="; ".join(says)))
        time.sleep(LOOK_SECONDS)


def _is_ready(project: ComposeProject, container: Document) -> bool:
    """Whether it is healthy, or done; raises EngineError where it never will be."""
    state = container["State"]
    health = (state.get("Health") or {}).get("Status")
    failed = state["Status"] in ("exited", "dead") and state["ExitCode"] and is_one_shot(container)
    if failed or health == "unhealthy":
        raise EngineError(
            _("{service} failed: {says}").format(
                service=service_of(container), says=last_words(project.containers, container)
            )
        )
    if is_one_shot(container):
        return bool(state["Status"] == "exited")
    return bool(state["Status"] == "running") and (
        health == "healthy" or check_of(container["Config"]) is None
    )


def remains(project: ComposeProject) -> list[str]:
    """Names of all that has the project's name: Compose would use it as if it were its own.

    By Compose's label alone: what an earlier version has made, or another installation, has not
    ours.
    """
    api = project.daemon.api
    filters = {"label": [f"{PROJECT}={project.layout.project}"]}
    ask = project.daemon.ask
    containers = ask(lambda: api.containers(all=True, filters=filters))
    volumes = ask(lambda: api.volumes(filters=filters))["Volumes"] or []
    networks = ask(lambda: api.networks(filters=filters))
    names = [one["Names"][0].lstrip("/") for one in containers if one["Names"]]
    return sorted([*names, *(one["Name"] for one in (*volumes, *networks))])


def remove(project: ComposeProject, say: Say) -> None:
    """Everything that carries the project's labels, and no more; its secrets last."""
    containers, daemon = project.containers, project.daemon
    api, filters = daemon.slow_api, containers.filters
    say(_("removing containers"))
    containers.remove([one["Id"] for one in containers.all()])
    say(_("removing networks"))
    networks = daemon.ask(lambda: api.networks(filters=filters))
    in_parallel(lambda one: daemon.ask(lambda: api.remove_network(one["Id"])), networks)
    say(_("removing volumes"))
    volumes = daemon.ask(lambda: api.volumes(filters=filters))["Volumes"] or []
    in_parallel(lambda one: daemon.ask(lambda: api.remove_volume(one["Name"])), volumes)
    if FOLDER in project.layout.variables:
        remove_secrets(project, say)


def remove_secrets(project: ComposeProject, say: Say) -> None:
    """All that its folder of secrets holds, and the folder where the console has chosen it.

    No other process can: the engine made the folder, as root's, and so do we remove it.
    """
    say(_("removing secrets"))
    _with_secrets(project, Version("", {}), "sh", "-c", EMPTY)
    folder = PurePosixPath(project.layout.variables[FOLDER])
    if folder.parent.name == BESIDE:
        _remove_folder(project, folder)


def _remove_folder(project: ComposeProject, folder: PurePosixPath) -> None:
    """An empty one; where it is not, by somebody's own file, it stays."""
    above = f"--volume={folder.parent}:{ABOVE}"
    words = ["run", "--rm", "--no-deps", "--no-TTY", "--user=0:0", above]
    argv = ["sh", "-c", 'rmdir "$1" 2>/dev/null || true', "sh", f"{ABOVE}/{folder.name}"]
    project.command(project.layout.compose(*words, SECRETS, *argv), {})

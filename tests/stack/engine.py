"""The docker command, as lists of arguments."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any


class EngineError(RuntimeError):
    """A docker command failed; the message is what it said."""


def docker(
    *words: str,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 120,
) -> str:
    """What `docker …` printed; EngineError where it failed, or took more than `timeout` seconds."""
    argv = ["docker", *words]
    try:
        done = subprocess.run(
            argv, env=env, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{' '.join(argv)}: not done after {timeout:.0f} s") from error
    if done.returncode:
        raise EngineError(f"{' '.join(argv)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def docker_logs(container: str, tail: str = "all") -> str:
    """What a container wrote, to both its outputs; of it the last `tail` lines."""
    argv = ["docker", "logs", f"--tail={tail}", container]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="replace")


def why_not() -> str:
    """Why no stack can be started on this machine; empty where one can."""
    if not shutil.which("docker"):
        return "no docker command"
    for words, lacking in ((["info"], "no Docker Engine answers"), (["compose", "version"], "")):
        try:
            docker(*words, timeout=20)
        except EngineError:
            return lacking or "docker compose is not installed"
    return ""


def inspect(*ids: str) -> list[dict[str, Any]]:
    """What the engine knows of containers, images, networks or volumes."""
    found: list[dict[str, Any]] = json.loads(docker("inspect", *ids)) if ids else []
    return found


def image_is_here(image: str) -> bool:
    """Whether the engine has the image, or gets it from its registry."""
    for words in (["image", "inspect", image], ["pull", "-q", image]):
        try:
            docker(*words, timeout=300)
        except EngineError:
            continue
        return True
    return False


def wait_for(holds: Callable[[], object], seconds: float, what: str) -> float:
    """Seconds until it held; an engine that does not answer, or refuses, counts as not yet."""
    began, told = time.monotonic(), ""
    while time.monotonic() - began < seconds:
        try:
            if holds():
                return time.monotonic() - began
        except EngineError as error:
            told = str(error)
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds:.0f} s: {what} {told}")

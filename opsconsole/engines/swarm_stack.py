"""A stack's file: as a whole, or one service of it at a time, with images by digest."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _

from opsconsole.engines.base import LABEL, EngineError, Image, Version
from opsconsole.engines.layout import Layout
from opsconsole.engines.swarm_parsing import ONE_OFF

HASH = "pmscoring.config-hash"
"""Label of a service: of its settings, without what changes while it lives."""
Definition = dict[str, Any]


class Stack:
    """The files of an environment, read and given to Swarm by the docker binary."""

    def __init__(self, layout: Layout, command: Callable[..., str]) -> None:
        self.layout, self.command = layout, command

    def read(self, version: Version) -> dict[str, Any]:
        """All files as one document, filled in; each service has its image by digest."""
        text = self.command(self.layout.stack_config(), version.variables, version.tag)
        document: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
        for name, definition in document["services"].items():
            if image := version.images.get(name):
                definition["image"] = pinned(image)
            labels = definition.setdefault("deploy", {}).setdefault("labels", {})
            labels[HASH] = hash_of(definition)
        return document

    def definition(self, document: Mapping[str, Any], service: str) -> Definition:
        """A service of it; raises EngineError where there is none."""
        if service not in document["services"]:
            raise EngineError(_("There is no service {name}.").format(name=service))
        return deepcopy(document["services"][service])

    def deploy(self, document: Mapping[str, Any], services: Mapping[str, Definition]) -> None:
        """Give Swarm these services alone. Secrets are those that it has: nobody reads them."""
        secrets = {
            name: {"external": True, "name": secret.get("name", f"{self.layout.project}_{name}")}
            for name, secret in (document.get("secrets") or {}).items()
        }
        used = {_source(one) for each in services.values() for one in each.get("configs") or ()}
        configs = {
            name: config for name, config in (document.get("configs") or {}).items() if name in used
        }
        self._deploy({**document, "services": services, "secrets": secrets, "configs": configs})

    def deploy_all(self, document: Mapping[str, Any]) -> None:
        """Give Swarm the whole, with secrets from their files."""
        self._deploy(document)

    def _deploy(self, document: Mapping[str, Any]) -> None:
        # What was filled in is not to be filled in once more.
        text = json.dumps(document).replace("$", "$$")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stack.json"
            path.write_text(text, "utf-8")
            self.command(self.layout.stack_deploy(path), {})

    def once(self, definition: Definition, argv: Sequence[str]) -> Definition:
        """The service as a job that runs a command once, found under no name in its networks."""
        deploy = definition.get("deploy") or {}
        kept = {key: deploy[key] for key in ("placement", "resources") if key in deploy}
        own = {
            "mode": "replicated-job",
            "restart_policy": {"condition": "none"},
            "labels": {LABEL: self.layout.project, ONE_OFF: "true"},
        }
        networks = definition.get("networks") or {}
        return {
            **{key: value for key, value in definition.items() if key != "ports"},
            "command": list(argv),
            "healthcheck": {"disable": True},
            "networks": {name: {} for name in networks},
            "deploy": {**kept, **own},
        }


def _source(config: str | Mapping[str, Any]) -> str:
    return config if isinstance(config, str) else str(config["source"])


def pinned(image: Image) -> str:
    """What every node finds: the registry's digest, or the id of an image that never had one."""
    return image.repo_digest or image.digest


def hash_of(definition: Definition) -> str:
    """Of all settings, but how many there are and how they are updated."""
    deploy = {
        key: value
        for key, value in definition["deploy"].items()
        if key not in ("replicas", "update_config", "rollback_config")
    }
    text = json.dumps({**definition, "deploy": deploy}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

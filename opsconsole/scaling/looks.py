"""What an engine and scoring said at one time, for the samples of all services."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsconsole.engines.base import Engine, Service, Usage
from opsconsole.models import Environment
from pmscoring.base import published_load


@dataclass(frozen=True)
class Look:
    """One look. `load` is what scoring has published of late; empty where nothing is known."""

    environment: Environment
    engine: Engine
    at: datetime
    services: Mapping[str, Service]
    usage: Mapping[str, Usage]
    load: Mapping[str, Any]


def look(environment: Environment, engine: Engine, at: datetime) -> Look:
    """Look at all containers at once; raises EngineError.

    The load of another environment is in a cache of its own, which nobody else reaches.
    """
    services = {service.name: service for service in engine.services()}
    load = published_load.read() if environment.is_here else {}
    return Look(environment, engine, at, services, engine.usage(), load)

"""What scoring publishes of its work, as readings."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.models import Environment
from opsconsole.scaling.readings import missing, reading_of
from opsconsole.scaling.shapes import Kind, Reading
from pmscoring.base import published_load

FIELDS = {Kind.WAITING: "waiting", Kind.OLDEST: "oldest_seconds"}
"""Where each kind is in the published load."""


def read(environment: Environment) -> Mapping[str, Any]:
    """The load of an environment; empty where none was published of late, or none can be read.

    Another environment's is in a cache of its own, which nobody else reaches.
    """
    return published_load.read() if environment.is_here else {}


def readings(environment: Environment, load: Mapping[str, Any]) -> dict[str, Reading]:
    """The queue and the age of its oldest answer."""
    return {str(kind): _reading(environment, load, name) for kind, name in FIELDS.items()}


def _reading(environment: Environment, load: Mapping[str, Any], name: str) -> Reading:
    if not environment.is_here:
        return missing(_("the queue of another environment can be read by its own console alone"))
    if name not in load:
        return missing(_("scoring has not published its load of late"))
    return reading_of(load[name])

"""Every kind of operation that is performed, and by whom."""

from collections.abc import Mapping

from opsconsole.deployments import removal
from opsconsole.environments import performing
from opsconsole.environments.performing import Deed

DEEDS: Mapping[str, Deed] = {**performing.DEEDS, **removal.DEEDS}

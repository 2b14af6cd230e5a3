"""Every kind of operation that is performed, and by whom."""

from collections.abc import Mapping

from opsconsole.deployments import preview, removal
from opsconsole.environments import performing
from opsconsole.environments.performing import Deed

DEEDS: Mapping[str, Deed] = {**performing.DEEDS, **preview.DEEDS, **removal.DEEDS}

"""The verdict of a soak in words and numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.admin import words


@dataclass(frozen=True)
class Row:
    """What was counted of one version: requests, those that failed, and how long they took."""

    version: str
    of: str
    requests: int
    failed: str
    p95: str


def of(verdict: Mapping[str, Any]) -> dict[str, Any] | None:
    """The context of the verdict's section; None while nothing was seen."""
    if not verdict:
        return None
    before = verdict.get("before") or {}
    rows = [
        _row(version, name, figures)
        for source, name in (("callers", _("callers")), ("probes", _("own probes")))
        for version, figures in (
            (_("new"), verdict.get(source)),
            (_("before"), before.get(source)),
        )
        if figures
    ]
    return {"ok": verdict.get("ok"), "says": str(verdict.get("says") or ""), "rows": rows}


def _row(version: str, name: str, figures: Mapping[str, Any]) -> Row:
    requests, failed = int(figures.get("requests") or 0), int(figures.get("failed") or 0)
    share = f" ({failed / requests:.1%})" if requests else ""
    p95 = figures.get("p95_ms")
    return Row(
        version=version,
        of=name,
        requests=requests,
        failed=f"{failed}{share}",
        p95=words.NOTHING if p95 is None else _("%d ms") % round(p95),
    )

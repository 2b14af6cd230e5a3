"""What a manifest, and the report of a restore, say in words."""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsconsole.admin import states, words
from opsconsole.models import Installation

MOST_LINES = 100


def of(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The context of the section “what is in it”; None while there is no manifest."""
    if not manifest.get("parts"):
        return None
    tables = _tables(manifest.get("tables") or {})
    return {
        "sentences": [sentence for sentence in _sentences(manifest) if sentence],
        "parts": [_part(part) for part in manifest["parts"]],
        "tables": tables,
        "rows": sum(table["rows"] for table in tables),
        "left_out": _left_out(manifest.get("left_out") or []),
    }


def _sentences(manifest: Mapping[str, Any]) -> list[str]:
    product, server = manifest.get("product") or {}, manifest.get("server") or {}
    recipients = (manifest.get("encryption") or {}).get("recipients") or []
    names = {
        "time": states.moment(parse_datetime(str(manifest.get("snapshot_at") or ""))),
        "version": product.get("version") or words.NOTHING,
        "server": server.get("version") or words.NOTHING,
        "migrations": sum(map(len, (product.get("migrations") or {}).values())),
        "keys": len(recipients),
    }
    encrypted = ngettext(
        "Encrypted for %(keys)d public key; only its private key opens it.",
        "Encrypted for %(keys)d public keys; only their private keys open it.",
        len(recipients),
    )
    here = str(Installation.objects.here().uid)
    return [
        _("Data as of %(time)s, made by PM Scoring %(version)s on PostgreSQL %(server)s.") % names,
        _("Migrations applied: %(migrations)d.") % names,
        encrypted % names if recipients else _("Not encrypted."),
        "" if manifest.get("installation") == here else _("It was made by another installation."),
        *map(str, manifest.get("warnings") or []),
    ]


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    files = part.get("files") or []
    return {
        "name": words.part_name(str(part.get("name"))),
        "size": words.size(part.get("bytes")),
        "files": part.get("entries", len(files)),
        "sha256": part.get("sha256"),
    }


def _tables(tables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of each table, the largest first, under the names that people know."""
    names = {
        model._meta.db_table: capfirst(str(model._meta.verbose_name_plural))
        for model in apps.get_models(include_auto_created=True)
    }
    rows = [
        {"code": table, "name": names.get(table, ""), "rows": int(row.get("rows") or 0)}
        for table, row in tables.items()
    ]
    return sorted(rows, key=lambda row: (-row["rows"], row["code"]))


def _left_out(entries: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(why, what) for each reason, with what was left out for it."""
    by_reason: dict[str, list[str]] = {}
    for entry in entries:
        by_reason.setdefault(str(entry.get("why")), []).append(str(entry.get("what")))
    return [(why, _some(what)) for why, what in by_reason.items()]


def _some(names: list[str]) -> str:
    more = _(" and %d more") % (len(names) - MOST_LINES) if len(names) > MOST_LINES else ""
    return ", ".join(names[:MOST_LINES]) + more


def report(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """The figures and the lists of what came of a restore."""
    rows = outcome.get("rows")
    deleted = outcome.get("deleted_by_date") or {}
    missing, orphans = _names(outcome, "missing_files"), _names(outcome, "orphan_files")
    figures = [
        (_("rows"), sum(rows.values()) if isinstance(rows, dict) else rows, False),
        (_("deleted because their date had passed"), _total(deleted), False),
        (_("rows without their file"), missing[0], missing[0] > 0),
        (_("files without a row"), orphans[0], False),
    ]
    lists = [
        (_("Deleted because their date had passed"), _lines(deleted)),
        (_("Rows without their file"), missing[1]),
        (_("Files without a row"), orphans[1]),
    ]
    return {
        "figures": [figure for figure in figures if figure[1] is not None],
        "lists": [entry for entry in lists if entry[1]],
    }


def _names(outcome: Mapping[str, Any], key: str) -> tuple[int, list[str]]:
    names = list(outcome.get(key) or [])
    return int(outcome.get(f"{key}_count") or len(names)), [
        str(name) for name in names[:MOST_LINES]
    ]


def _total(deleted: Any) -> int:
    if isinstance(deleted, dict):
        return sum(value if isinstance(value, int) else 1 for value in deleted.values())
    return len(deleted)


def _lines(deleted: Any) -> list[str]:
    if isinstance(deleted, dict):
        return [f"{name}: {value}" for name, value in deleted.items()]
    return [str(entry) for entry in deleted]

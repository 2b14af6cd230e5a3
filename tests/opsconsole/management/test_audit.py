"""`manage.py audit`: the chain is verified, and exported so that the file verifies alone."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from opsconsole.models import Event, Installation
from opsconsole.models.chain_files import NotAnExport, exported, verified
from tests.opsconsole.chains import as_owner, recorded

pytestmark = pytest.mark.django_db


def audit(*args: Any) -> tuple[Any, int]:
    """What the command prints with --json, and its exit."""
    out = io.StringIO()
    try:
        call_command("audit", "--json", *args, stdout=out, stderr=io.StringIO())
    except SystemExit as exit_:
        return json.loads(out.getvalue()), int(str(exit_.code))
    return json.loads(out.getvalue()), 0


def test_it_verifies_the_chain() -> None:
    recorded(3)
    assert audit() == audit("--verify") == ({"events": 3, "intact": True, "broken_at": None}, 0)


def test_a_broken_chain_exits_with_one_and_says_where() -> None:
    recorded(3)
    as_owner("UPDATE opsconsole_event SET actor = 'x' WHERE number = 2")
    assert audit() == ({"events": 3, "intact": False, "broken_at": 2}, 1)


def test_people_are_told_in_a_sentence() -> None:
    recorded(1)
    out = io.StringIO()
    call_command("audit", stdout=out, stderr=io.StringIO())
    assert out.getvalue() == "1 events, none changed, missing or moved\n"


def test_an_export_is_verified_from_the_file_alone(tmp_path: Path) -> None:
    recorded(3)
    file = tmp_path / "events.ndjson"
    whole = {"events": 3, "intact": True, "broken_at": None}
    assert audit("--export", file) == (whole, 0)
    assert Event.objects.filter(deed="events.exported", actor__gt="").count() == 1
    with connection.execute_wrapper(no_query):
        assert audit("--from", file) == (whole, 0)
    assert file.stat().st_mode & 0o777 == 0o600


def no_query(*args: Any) -> Any:
    raise AssertionError("the database was asked")


def test_other_programs_can_verify_it() -> None:
    """By the recipe of chain.py alone."""
    recorded(3)
    head, *links = [json.loads(line) for line in exported()]
    previous = ""
    for link in links:
        own = link.pop("hash")
        written = json.dumps(link, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(written.encode()).hexdigest() == own
        assert link["previous"] == previous
        previous = own
    assert (head["events"], head["head"]) == (3, previous)
    assert head["installation"] == str(Installation.objects.get().uid)


def test_an_export_of_no_events_is_whole() -> None:
    assert verified(exported()) == {"events": 0, "intact": True, "broken_at": None}


def test_an_export_of_a_broken_chain_is_written_and_says_so(tmp_path: Path) -> None:
    recorded(3)
    as_owner("DELETE FROM opsconsole_event WHERE number = 3")
    verdict, status = audit("--export", tmp_path / "events.ndjson")
    assert (verdict["broken_at"], status) == (3, 1)


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_file_with_a_line_changed_removed_or_moved_is_found(data: st.DataObject) -> None:
    if not Event.objects.exists():
        recorded(5)
    lines = list(exported())
    place = data.draw(st.integers(1, len(lines) - 1))
    what = data.draw(st.sampled_from(["change", "remove", "cut", "swap", "twice", "again"]))
    line = lines[place]
    if what == "change":
        at = data.draw(st.integers(0, len(line) - 2))
        lines[place] = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
    elif what == "remove":
        del lines[place]
    elif what == "cut":
        lines[place:] = [line[: data.draw(st.integers(0, len(line) - 2))]]
    elif what == "swap":
        other = data.draw(st.integers(1, len(lines) - 1).filter(lambda other: other != place))
        lines[place], lines[other] = lines[other], lines[place]
        place = min(place, other)
    elif what == "twice":
        lines[place] = line.replace(b'"actor"', b'"actor":"somebody else","actor"', 1)
    else:
        lines.insert(place, line)
        place += 1
    verdict = verified(lines)
    assert verdict["intact"] is False
    assert verdict["broken_at"] == min(place, 6)


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"{}\n", b"[1]\n", b'{"format":2}\n'])
def test_what_is_no_export_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_bytes(content)
    with pytest.raises(NotAnExport):
        verified([content])
    with pytest.raises(CommandError, match="does not begin as an export") as failure:
        audit("--from", file)
    assert failure.value.returncode == 1


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        audit("--from", tmp_path / "none")


def test_export_and_from_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as failure:
        audit("--from", tmp_path / "a", "--export", tmp_path / "b")
    assert failure.value.returncode == 2


def test_what_is_recorded_during_an_export_is_left_out() -> None:
    recorded(3)
    lines = exported()
    next(lines)
    as_read = next(lines)
    recorded(1)
    assert len([as_read, *lines]) == 3

"""What an embedded installation has backed up goes into a stack of containers."""

import pytest

from tests.drills.conftest import Told
from tests.stack import round_trip
from tests.stack.stack import Stack
from tests.stack.test_data_dir import bound, data

__all__ = ["bound", "data"]


def test_a_backup_of_an_embedded_postgresql_16_is_restored_into_17(
    bound: Stack, tmp_path_factory: pytest.TempPathFactory, told: Told
) -> None:
    folder = tmp_path_factory.mktemp("embedded")
    archive = round_trip.of_embedded_16(folder)
    ops = bound.container("ops")

    done = round_trip.restore(ops, round_trip.put(ops, archive))

    assert done["state"] == "done"
    assert bound.sql("SHOW server_version_num")[0][0].startswith("17")
    name, password = round_trip.USER
    script = (
        "from django.contrib.auth import authenticate;"
        f"print(authenticate(None, username={name!r}, password={password!r}))"
    )
    who = bound.manage("shell", "-v", "0", "-c", script)
    assert who == f"{name}\n"
    told(f"a backup of PostgreSQL 16 restored into 17 in {done['seconds']:.1f} s")

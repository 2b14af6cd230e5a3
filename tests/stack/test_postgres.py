"""PostgreSQL runs with the settings of docker/postgres, asked of the server itself."""

import time

import pytest

from tests import canary
from tests.paths import ROOT
from tests.stack.conftest import Told
from tests.stack.engine import EngineError, docker_logs
from tests.stack.stack import Stack

CONF = ROOT / "docker" / "postgres" / "postgresql.conf"
MB = 2**20


def test_every_line_of_its_file_is_in_force(stack: Stack, told: Told) -> None:
    query = (
        "SELECT f.name, f.setting, f.applied, s.setting FROM pg_file_settings f"
        " JOIN pg_settings s ON lower(s.name) = lower(f.name)"
    )
    rows = stack.sql_as_superuser(query)
    lines = [line for line in CONF.read_text("utf-8").splitlines() if " = " in line]
    written = {line.split(" = ")[0] for line in lines if not line.startswith(("#", "include"))}
    assert {row[0] for row in rows} >= written | {"shared_buffers", "work_mem"}
    assert [row for row in rows if row[2] != "t"] == []
    pending = "SELECT name FROM pg_settings WHERE pending_restart"
    assert stack.sql_as_superuser(pending) == []
    told(f"{len(rows)} settings of files, all in force")


def test_its_sizes_follow_the_containers_memory(stack: Stack, told: Told) -> None:
    memory = stack.container("postgres").told["HostConfig"]["Memory"] // MB
    expected = {
        "shared_buffers": memory // 4,
        "effective_cache_size": memory * 3 // 4,
        "maintenance_work_mem": memory // 16,
        "work_mem": max(memory // 800, 4),
    }
    names = ", ".join(f"pg_size_bytes(current_setting('{name}')) / {MB}" for name in expected)
    [row] = stack.sql(f"SELECT {names}")
    assert dict(zip(expected, map(int, row), strict=True)) == expected
    told(f"of {memory} MB: shared_buffers {row[0]} MB, work_mem {row[3]} MB")


def test_passwords_are_asked_for_everywhere_and_kept_as_scram(stack: Stack) -> None:
    methods = stack.sql_as_superuser("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert methods == [["scram-sha-256"]]
    query = "SELECT rolname, left(rolpassword, 13), rolsuper FROM pg_authid WHERE rolcanlogin"
    assert sorted(stack.sql_as_superuser(query)) == [
        ["pmscoring", "SCRAM-SHA-256", "f"],
        ["postgres", "SCRAM-SHA-256", "t"],
    ]


def test_the_cluster_checks_its_pages_and_sorts_by_a_collation_of_its_own(stack: Stack) -> None:
    assert stack.sql("SHOW data_checksums") == [["on"]]
    query = (
        "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding)"
        " FROM pg_database WHERE datname = 'pmscoring'"
    )
    assert stack.sql(query) == [["b", "C.UTF-8", "UTF8"]]


def test_no_statement_and_no_answers_text_goes_to_its_log(stack: Stack) -> None:
    assert stack.sql("SHOW log_statement") == [["none"]]
    assert stack.sql("SHOW log_min_duration_statement") == [["-1"]]
    assert stack.sql("SHOW log_parameter_max_length_on_error") == [["0"]]


def test_the_values_of_statements_that_fail_reach_no_log(stack: Stack, told: Told) -> None:
    for statement in canary.FAILING.values():
        with pytest.raises(EngineError):
            stack.sql(statement)
    time.sleep(1)
    log = docker_logs(stack.container("postgres").id)
    assert "duplicate key" in log
    assert canary.WORD not in log
    told(f"{len(canary.FAILING)} statements failed, none of their values in the log")

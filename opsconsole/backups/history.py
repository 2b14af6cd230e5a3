"""What a restore does not turn back: the console's own tables.

Events, backups and their copies, verifications, restores, plans, channels and the installation are
the record of what was done with the product and the settings by which that is done. The live ones
are at least as complete as those of a snapshot, and a restore that lost them would forget that it
happened, which backups there are, and who was to be told. So all tables of this app come from the
live database: one rule, without a list that a later table could be missing from. The chain of
events is the live one, as it was; the entry "restored here" is added to it afterwards.

Where there is no live database, or its tables cannot be read, those of the snapshot stay.
"""

from collections.abc import Iterable

import psycopg
from django.apps import apps
from django.db import models
from django_celery_beat.models import CrontabSchedule
from psycopg import sql

from opsconsole.models import BackupPlan

APP = "opsconsole"
COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum
"""
Connection = psycopg.Connection[tuple[object, ...]]


def carry_over(live: Connection, new: Connection) -> None:
    """Replace the console's rows of the new database by the live ones, all or none.

    Raises psycopg.Error, and then the new database has the rows of its snapshot. Nobody else may be
    connected to either, or the rows could change meanwhile.
    """
    tables = [model._meta.db_table for model in _models()]
    with new.transaction(), live.transaction():
        _triggers(new, tables, "DISABLE")
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        new.execute(sql.SQL("TRUNCATE {}").format(names))
        for table in tables:
            _copy(live, new, table)
            _continue_numbers(new, table)
        _point_plans_at_schedules(live, new)
        # Django's foreign keys are deferred, and a table with checks to come cannot be altered.
        new.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _triggers(new, tables, "ENABLE")


def _models() -> Iterable[type[models.Model]]:
    return [model for model in apps.get_app_config(APP).get_models() if model._meta.managed]


def _triggers(new: Connection, tables: list[str], verb: str) -> None:
    """Those that refuse changes of events; the owner of a table may do so."""
    alter = sql.SQL(f"ALTER TABLE {{}} {verb} TRIGGER USER")
    for table in tables:
        new.execute(alter.format(sql.Identifier(table)))


def _copy(live: Connection, new: Connection, table: str) -> None:
    """By the columns of the live table: one that the new table lacks is an error."""
    columns = [str(row[0]) for row in live.execute(COLUMNS, [f'"{table}"']).fetchall()]
    places = {
        "table": sql.Identifier(table),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
    }
    reading = sql.SQL("COPY {table} ({columns}) TO STDOUT (FORMAT binary)").format(**places)
    writing = sql.SQL("COPY {table} ({columns}) FROM STDIN (FORMAT binary)").format(**places)
    with live.cursor().copy(reading) as source, new.cursor().copy(writing) as target:
        for block in source:
            target.write(block)


def _continue_numbers(new: Connection, table: str) -> None:
    """The next key is one after the last; a table whose keys we give ourselves has no sequence."""
    row = new.execute(
        "SELECT attname, pg_get_serial_sequence(%s, attname) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attidentity <> ''",
        [f'"{table}"', f'"{table}"'],
    ).fetchone()
    if row:
        column, sequence = str(row[0]), str(row[1])
        query = sql.SQL("SELECT setval(%s, greatest(max({}), 1), max({}) IS NOT NULL) FROM {}")
        places = (sql.Identifier(column), sql.Identifier(column), sql.Identifier(table))
        new.execute(query.format(*places), [sequence])


def _point_plans_at_schedules(live: Connection, new: Connection) -> None:
    """A plan's schedule is a row of another app's, which does come from the snapshot.

    An equal row of the new database takes its place; where there is none it is added.
    """
    plans = sql.Identifier(BackupPlan._meta.db_table)
    read = sql.SQL("SELECT id, schedule_id FROM {}").format(plans)
    point = sql.SQL("UPDATE {} SET schedule_id = %s WHERE id = %s").format(plans)
    for plan, schedule in live.execute(read).fetchall():
        new.execute(point, [_same_schedule(live, new, schedule), plan])


def _same_schedule(live: Connection, new: Connection, key: object) -> object:
    """The key, in the new database, of the schedule that the live one has under `key`."""
    meta = CrontabSchedule._meta
    names = [sql.Identifier(str(field.column)) for field in meta.fields if not field.primary_key]
    table, columns = sql.Identifier(meta.db_table), sql.SQL(", ").join(names)
    read = sql.SQL("SELECT {} FROM {} WHERE id = %s").format(columns, table)
    values = live.execute(read, [key]).fetchone() or ()
    places = sql.SQL(", ").join([sql.Placeholder()] * len(values))
    find = sql.SQL("SELECT id FROM {} WHERE ({}) = ({}) LIMIT 1").format(table, columns, places)
    add = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(table, columns, places)
    row = new.execute(find, values).fetchone() or new.execute(add, values).fetchone()
    return row and row[0]

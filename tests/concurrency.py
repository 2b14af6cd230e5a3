"""Run functions at the same instant, and wait for locks."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from tests.waiting import wait_until


def run_concurrently(functions: Sequence[Callable[[], Any]]) -> list[Any]:
    """The result or exception of each function, run together in threads of their own."""
    gate, results = threading.Barrier(len(functions)), dict[int, Any]()

    def run(number: int, function: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(30)
            results[number] = function()
        except Exception as error:  # noqa: BLE001  # the test looks at it
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [results[number] for number in range(len(functions))]


def wait_until_blocked(kind: str = "") -> None:
    """Return once another connection to this test's database waits for a lock, of this kind.

    `pg_locks` shows the whole server, on which tests of other workers wait for locks of theirs.
    """
    query = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database() AND locktype LIKE %s"
    )

    def blocked() -> int:
        with connection.cursor() as cursor:
            # Within a transaction PostgreSQL shows the activity of its first look again and again.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(query, [kind or "%"])
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    wait_until(blocked, 30, "another connection waits for a lock", every=0.01)

"""Deeds that begin at the same instant."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection


def at_once(deeds: Sequence[Callable[[], Any]]) -> list[Any]:
    """What comes of each, begun at the same instant in a thread with its own connection."""
    gate, found = threading.Barrier(len(deeds)), dict[int, Any]()

    def run(number: int, deed: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(30)
            found[number] = deed()
        except Exception as error:  # noqa: BLE001  # the test looks at it
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [found[number] for number in range(len(deeds))]

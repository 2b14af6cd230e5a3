"""A database of a wanted size, filled by the product's own intake."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from scoring.exams import definitions
from scoring.intake import submissions
from tests.bench.answers import QUESTION, definition, written

CODE, AT_ONCE, SENTENCES = "BENCH-BACKUP", 5_000, 40


def fill(size: int, seed: int = 1) -> int:
    """Hand in essays until the database is of `size` bytes; returns how many there are."""
    definitions.load(definition(CODE))
    draw, sentences, count = random.Random(seed), written(), 0
    while database_bytes() < size:
        outcome = submissions.accept_all(enumerate(_records(draw, sentences, count), 1))
        assert not outcome.rejected, outcome.rejected[:1]
        count += outcome.accepted
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return count


def database_bytes() -> int:
    """The size of the database on disk."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _records(draw: random.Random, sentences: Sequence[str], first: int) -> Iterator[dict[str, Any]]:
    for number in range(first, first + AT_ONCE):
        # Numbers between the sentences: what is repeated word for word would compress too well.
        parts = (f"{draw.choice(sentences)}{draw.randrange(10**6)}。" for _ in range(SENTENCES))
        answers = [{"question": QUESTION, "text": "".join(parts)}]
        yield {"exam": CODE, "candidate": f"bench-{number}", "answers": answers}

"""Statements that fail with a word in them which must reach no log."""

WORD = "canary-7f3a"
FAILING = {
    "a key that is there already": "INSERT INTO auth_group VALUES (1, 'canary-7f3a'), (1, 'b')",
    "a row that is refused": "INSERT INTO auth_group VALUES (NULL, 'canary-7f3a')",
    "a division by zero": "SELECT 1 / 0 FROM (SELECT 'canary-7f3a') AS x",
    "a mistake of syntax": "SELECT 'canary-7f3a' FROM FROM",
    "a statement that takes too long": (
        "SET statement_timeout = 20; SELECT pg_sleep(5), 'canary-7f3a'"
    ),
    "a session that is ended": "SELECT pg_terminate_backend(pg_backend_pid()), 'canary-7f3a'",
}
"""What fails -> the statement, on a database that has Django's table of groups."""

"""The password of the account that the product has in PostgreSQL."""

from dataclasses import replace

from psycopg import sql

from opsconsole.gateways.postgres.server import PostgresError, Server, explained


def change_password(server: Server, password: str) -> None:
    """Give this server's account a new password, at once; raises PostgresError.

    The server is sent a verifier, so that neither its log nor its statistics have the password.
    """
    with server.connect() as connection, explained():
        verifier = connection.pgconn.encrypt_password(
            password.encode(), connection.info.user.encode(), b"scram-sha-256"
        )
        statement = sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}")
        connection.execute(statement.format(sql.Literal(verifier.decode())))


def accepts(server: Server, password: str) -> bool:
    """Whether a new connection with this password is accepted."""
    try:
        replace(server, password=password, rotates=False).connect().close()
    except PostgresError:
        return False
    return True

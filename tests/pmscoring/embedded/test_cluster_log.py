"""What the embedded PostgreSQL writes down of statements that fail."""

from collections.abc import Iterator

import psycopg
import pytest

from tests import canary
from tests.local_servers import Servers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A server of its own, whose log is read."""
    folder = tmp_path_factory.mktemp("servers")
    folder.chmod(0o755)
    with Servers(folder, durable=False) as servers:
        with psycopg.connect(servers.database_url) as connection:
            connection.execute("CREATE TABLE auth_group (id int PRIMARY KEY, name text)")
        yield servers


@pytest.mark.parametrize("what", canary.FAILING)
def test_the_values_of_statements_that_fail_reach_no_log(servers: Servers, what: str) -> None:
    with (
        psycopg.connect(servers.database_url) as connection,
        pytest.raises(psycopg.Error) as refused,
    ):
        connection.execute(canary.FAILING[what].encode())
    log = (servers.folder / "postgres.log").read_text("utf-8")
    assert str(refused.value).split(":")[0].splitlines()[0] in log
    assert canary.WORD not in log

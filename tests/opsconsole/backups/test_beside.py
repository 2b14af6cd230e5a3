"""Tables, and a scrubbed copy, in databases of their own; the live one stays as it is."""

import pytest

from tests.opsconsole.site import Site
from tests.opsconsole.sites import backed_up


def test_selected_tables_stand_beside_the_live_database(site: Site) -> None:
    folder, tables = backed_up(site), site.tables()
    into = f"{site.live}_tables"

    done = site.done(
        "restore", str(folder), "--tables", "scoring_exam,scoring_answer", "--into", into
    )

    assert done == {"database": into, "tables": {"scoring_exam": 2, "scoring_answer": 2}}
    with site.connect(into) as connection:
        codes = connection.execute("SELECT code FROM scoring_exam ORDER BY code").fetchall()
    assert codes == [("DUE",), ("KEPT",)]
    assert site.tables() == tables
    assert site.rows("SELECT deed FROM opsconsole_event")[-1] == "restore.tables"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--tables", "nothing", "--into", "{live}_x"), "has no table nothing"),
        (("--tables", "scoring_exam", "--into", "{live}"), "already"),
        (("--tables", "scoring_exam", "--into", "postgres"), "not a valid name for a new database"),
        (("--to", "production"), "production cannot be the target"),
    ],
)
def test_it_refuses(site: Site, options: tuple[str, ...], says: str) -> None:
    folder = backed_up(site)
    words = [option.format(live=site.live) for option in options]
    done = site.manage("restore", str(folder), *words)
    assert done.returncode == 3
    assert says in done.stderr
    assert site.databases() == {site.live}


def test_a_clone_has_nothing_personal_and_nothing_that_acts(site: Site) -> None:
    site.execute("UPDATE scoring_answer SET text = 'a secret answer'")
    folder, tables = backed_up(site), site.tables()

    done = site.done("restore", str(folder), "--to", "staging")

    assert done["database"] == f"{site.live}_staging"
    assert site.databases() == {site.live, done["database"]}
    with site.connect(done["database"]) as connection:
        texts = connection.execute("SELECT DISTINCT text FROM scoring_answer").fetchall()
        plans = connection.execute("SELECT count(*) FROM opsconsole_backupplan").fetchone()
    assert texts == [("□" * len("a secret answer"),)]
    assert plans == (0,)
    assert site.tables() == tables
    assert site.manage("restore", str(folder), "--to", "staging").returncode == 3

"""What must be the same after a stop and a start."""

from tests.stack.callers import EXAM, Api
from tests.stack.engine import wait_for
from tests.stack.stack import Stack

ROWS = """candidate,question,text
kept-1,Q1,要件が途中で変わったから
kept-2,Q1,利用部門と合意していなかった
"""
MARKS = (
    "SELECT count(*), md5(string_agg(m::text, '' ORDER BY m.id)) FROM scoring_mark m"
    " JOIN scoring_answer a ON a.id = m.answer_id"
)


def upload(api: Api) -> None:
    """Hand in a file, which is kept beside the database, and wait until it has been read."""
    with api.client() as client:
        files = {"file": ("answers.csv", ROWS.encode(), "text/csv")}
        told = client.post(f"/api/v1/uploads?exam={EXAM}", files=files)
        assert told.status_code in (201, 202), told.text
        place = f"/api/v1/uploads/{told.json()['id']}"
        wait_for(lambda: client.get(place).json()["status"] == "read", 60, "the file is read")


def kept(stack: Stack) -> tuple[list[list[str]], str]:
    """All marks, and all files with their contents, as sums."""
    script = "cd /srv/pmscoring/uploads && find . -type f -exec sha256sum {} + | sort"
    return stack.sql(MARKS), stack.container("web").run("sh", "-c", script)

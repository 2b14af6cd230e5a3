"""What PostgreSQL has of the answers: nothing lost, nothing counted twice."""

from tests.stack.engine import wait_for
from tests.stack.stack import Stack

OPEN = "SELECT count(*) FROM scoring_answer WHERE status IN ('waiting', 'scoring')"
TOTAL = "SELECT count(*) FROM scoring_answer"
# (number of marks, state) → answers
MARKS = (
    "SELECT n, status, count(*) FROM (SELECT a.status, count(m.id) AS n FROM scoring_answer a"
    " LEFT JOIN scoring_mark m ON m.answer_id = a.id GROUP BY a.id) AS each GROUP BY n, status"
)


def total(stack: Stack) -> int:
    """All answers that were accepted."""
    return int(stack.sql(TOTAL)[0][0])


def wait_until_scored(stack: Stack, seconds: float = 240) -> float:
    """Seconds until no answer is open."""
    return wait_for(lambda: stack.sql(OPEN) == [["0"]], seconds, "every answer is scored")


def assert_each_was_scored_once(stack: Stack) -> int:
    """How many there are: all scored, each with one mark."""
    count = total(stack)
    assert stack.sql(MARKS) == [["1", "scored", str(count)]]
    return count

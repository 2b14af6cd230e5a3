"""`make bench-marking`: milliseconds from a marker's submit to the next answer, over HTTP.

gunicorn as the stack starts it, PostgreSQL and Valkey of its own, and an exam of six questions with
100,000 answers that are all open to people. Each figure is of 200 submits: of one marker alone, and
of four at the same time; `cpu` is what a submit costs web server and database together, whatever
else the machine is at.
"""

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import django
import httpx
from django.core.management import call_command

from tests.bench.product import percentile
from tests.bench.report import write
from tests.local_servers import Servers, free_port
from tests.running import running

ANSWERS, SUBMITS, AT_ONCE = 100_000, 200, 4
QUESTIONS = ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6")
EXAM, PASSWORD = "SAMPLE-PM", "only-for-the-bench"
ADDRESS = f"/admin/marking/desk/{EXAM}/"
KEY = re.compile(r'name="answer" value="(\d+)"')
CRITERION = re.compile(r'name="(criterion-[^"]+)" value="1"')
# The written answers of the sample, over and over with a number, each scored and in the queue.
MULTIPLY = """
INSERT INTO scoring_submission (exam_id, candidate, attempt, absent, body_hash, created_at)
SELECT exam_id, 'more-' || n, 1, false, md5(n::text), now()
FROM (SELECT DISTINCT exam_id FROM scoring_submission) e, generate_series(1, %(count)s) n;
INSERT INTO scoring_answer (submission_id, question_id, text, text_key, status, review,
    review_reason, urgency, readings, not_before, tries, reason, flags, final_source)
SELECT s.id, w.question_id, w.text || s.id, md5(w.text || s.id) || md5(w.text || s.id), 'scored',
    'queued', 'uncertain', random(), 1, now(), 0, '', '[]', ''
FROM scoring_submission s
JOIN (SELECT *, row_number() OVER (PARTITION BY question_id ORDER BY id) AS n,
        count(*) OVER (PARTITION BY question_id) AS whole FROM scoring_answer) w
    ON w.n = 1 + s.id %% w.whole
WHERE s.candidate LIKE 'more-%%';
INSERT INTO scoring_mark (answer_id, source, points, criteria, flags, calibration, model,
    definition, text_key, comment, created_at)
SELECT a.id, 'machine', 1, jsonb_build_array(jsonb_build_object('code', 'C1', 'points', 1,
        'evidence', jsonb_build_array(jsonb_build_object('start', 0, 'end', 8)))),
    '[]', '', 'e5', q.digest, a.text_key, '', now()
FROM scoring_answer a JOIN scoring_question q ON q.id = a.question_id
WHERE NOT EXISTS (SELECT 1 FROM scoring_mark m WHERE m.answer_id = a.id);
"""


def load() -> int:
    """The exam, its answers and the people who mark; how many answers are stored."""
    from django.contrib.auth.models import Group, User
    from django.db import connection

    from scoring.models import Answer
    from tests import sample_exam as sample

    exam = sample.load(*QUESTIONS)
    for code in QUESTIONS:
        sample.hand_in(exam, code, sample.texts(code))
    with connection.cursor() as cursor:
        cursor.execute(MULTIPLY, {"count": ANSWERS // len(QUESTIONS)})
        cursor.execute("ANALYZE")
    for number in range(AT_ONCE):
        user = User.objects.create_user(f"bench-{number}", password=PASSWORD, is_staff=True)
        user.groups.add(Group.objects.get_or_create(name="marker")[0])
    return Answer.objects.count()


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """gunicorn, and its address."""
    port, log = free_port(), folder / "web.log"
    url = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:pmscoring.gunicorn"]
    environment = {**os.environ, "WEB_BIND": f"127.0.0.1:{port}", "VAR_DIR": str(folder)}
    with running(argv, environment, log, f"{url}/health/live"):
        yield url


class Marker:
    """A browser that only asks and answers."""

    def __init__(self, number: int, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.http.get("/admin/login/")
        typed = {"username": f"bench-{number}", "password": PASSWORD, "next": ADDRESS}
        told = self.http.post("/admin/login/", data=self._signed(typed))
        assert told.status_code == 302, told.status_code
        self.page = self.http.get(ADDRESS).text

    def _signed(self, typed: dict[str, Any]) -> dict[str, Any]:
        return {**typed, "csrfmiddlewaretoken": self.http.cookies["csrftoken"]}

    def submit(self) -> float:
        """Seconds until the next answer is here."""
        found = KEY.search(self.page)
        assert found, "no answer lies on the desk"
        typed = dict.fromkeys(CRITERION.findall(self.page), "1")
        form = self._signed({"command": "submit", "answer": found[1], **typed})
        began = time.perf_counter()
        told = self.http.post(ADDRESS, data=form, headers={"X-Desk": "1"})
        seconds = time.perf_counter() - began
        following = KEY.search(told.text)
        assert told.status_code == 200, told.status_code
        assert following
        assert following[1] != found[1]
        self.page = told.text
        return seconds

    def submits(self, count: int) -> list[float]:
        """The same several times."""
        return [self.submit() for _ in range(count)]


def servers_cpu() -> float:
    """Seconds of CPU that every process below this one has used so far (proc(5), stat)."""
    stats = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # Some end meanwhile.
            number, rest = place.read_text().split(" (", 1)
            stats.append((int(number), rest.rpartition(")")[2].split()))
    parents = {number: int(fields[1]) for number, fields in stats}

    def is_ours(number: int) -> bool:
        parent = parents.get(number, 0)
        return parent == os.getpid() or (parent > 1 and is_ours(parent))

    ticks = sum(int(f[11]) + int(f[12]) for number, f in stats if is_ours(number))
    return ticks / os.sysconf("SC_CLK_TCK")


def row(name: str, stored: int, deed: Callable[[], list[float]]) -> dict[str, Any]:
    """Milliseconds at three places of the distribution, and of CPU."""
    began = servers_cpu()
    seconds = deed()
    cpu = round(1000 * (servers_cpu() - began) / len(seconds))
    told = {f"p{share}": round(1000 * percentile(seconds, share / 100)) for share in (50, 95, 99)}
    return {"name": name, "submits": len(seconds), "answers": stored, **told, "cpu": cpu}


def measure(url: str, stored: int) -> list[dict[str, Any]]:
    """A row for one marker, and one for four."""
    markers = [Marker(number, url) for number in range(AT_ONCE)]
    markers[0].submits(20)

    def together() -> list[float]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            several = pool.map(lambda one: one.submits(SUBMITS // AT_ONCE), markers)
            return [one for each in several for one in each]

    return [
        row("one_marker_ms", stored, lambda: markers[0].submits(SUBMITS)),
        row("four_markers_ms", stored, together),
    ]


def main() -> None:
    """Load, measure, write var/bench/marking.json."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        with Servers(folder) as servers:
            os.environ |= {
                "DATABASE_URL": servers.database_url,
                "REDIS_URL": servers.redis_url,
                "DJANGO_SETTINGS_MODULE": "pmscoring.settings",
            }
            django.setup()
            call_command("migrate", verbosity=0)
            stored = load()
            with web(folder) as url:
                rows = measure(url, stored)
    print(*rows, sep="\n")
    write("marking", rows)


if __name__ == "__main__":
    main()

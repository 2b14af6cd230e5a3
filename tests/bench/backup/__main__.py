"""`make bench-backup`: backup, digest, verification and restore beside the bare tools.

PostgreSQL and Valkey of its own, with databases of SIZES GiB filled by the product's intake. Each
ratio is of measurements that were taken in turn: ours, theirs, ours, theirs. Peak memory is that of
the largest process of a step, PostgreSQL's own not counted.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pmscoring.embedded.binaries import INSTALLED, PROGRAMS
from tests.bench.backup.measuring import Cost, cost_of
from tests.bench.report import write
from tests.local_servers import Servers
from tests.paths import ROOT

ROUNDS = 3
BIN = INSTALLED / PROGRAMS
Row = dict[str, Any]


class Bench:
    """One filled database, its backups and dumps."""

    def __init__(self, folder: Path, url: str, gibibytes: float) -> None:
        self.folder, self.url, self.log = folder, url, folder / "bench.log"
        self.steps("filled", str(gibibytes))

    def steps(self, *words: str) -> Cost:
        """A step of ours."""
        argv = [sys.executable, "-m", "tests.bench.backup.steps", *words]
        return cost_of(argv, self.log, timed_by_itself=True)

    def dump(self, *options: str) -> Cost:
        """pg_dump alone."""
        if (self.folder / "dump").is_file():
            (self.folder / "dump").unlink()
        shutil.rmtree(self.folder / "dump", ignore_errors=True)
        argv = [str(BIN / "pg_dump"), "-d", self.url, "-f", str(self.folder / "dump"), *options]
        return cost_of(argv, self.log)

    def restore(self, *options: str) -> Cost:
        """pg_restore alone, of the last dump, into a new database."""
        self._sql("DROP DATABASE IF EXISTS bare WITH (FORCE)", "CREATE DATABASE bare")
        target = self.url.rpartition("/")[0] + "/bare"
        argv = [str(BIN / "pg_restore"), "-d", target, "--no-owner", "--exit-on-error", *options]
        return cost_of([*argv, str(self.folder / "dump")], self.log)

    def ours_restored(self) -> Cost:
        """The dump of our backup, into a new database."""
        self._sql("DROP DATABASE IF EXISTS ours WITH (FORCE)")
        return self.steps("restore", "ours")

    def _sql(self, *statements: str) -> None:
        argv = [str(BIN / "psql"), "-d", self.url.rpartition("/")[0] + "/postgres", "-q"]
        for statement in statements:
            cost_of([*argv, "-v", "ON_ERROR_STOP=1", "-c", statement], self.log)


def compared(name: str, rounds: int, ours: Callable[[], Cost], theirs: Callable[[], Cost]) -> Row:
    """The ratio of wall times, in turn; the first of each warms up and is not counted."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    ratios = [mine.seconds / bare.seconds for mine, bare in pairs]
    return {
        "name": name,
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "seconds": [round(mine.seconds, 1) for mine, _ in pairs],
        "bare_seconds": [round(bare.seconds, 1) for _, bare in pairs],
        "mebibytes": round(max(mine.mebibytes for mine, _ in pairs)),
    }


def alone(name: str, run: Callable[[], Cost]) -> Row:
    """Seconds and memory of a step that has no counterpart."""
    cost = run()
    return {"name": name, "seconds": round(cost.seconds, 1), "mebibytes": round(cost.mebibytes)}


def formats(bench: Bench) -> list[Row]:
    """What the two formats that pg_restore reads in parallel cost."""
    rows = []
    for name, options in (
        ("custom", ["-Fc", "-Z1"]),
        ("directory, 1 job", ["-Fd", "-Z1"]),
        ("directory, 2 jobs", ["-Fd", "-Z1", "-j2"]),
    ):
        dumped, restored = bench.dump(*options), bench.restore("-j2")
        size = sum(file.stat().st_size for file in [bench.folder / "dump"] if file.is_file())
        size = size or sum(file.stat().st_size for file in (bench.folder / "dump").iterdir())
        rows.append(
            {
                "name": f"format: {name}",
                "dump_seconds": round(dumped.seconds, 1),
                "restore_seconds": round(restored.seconds, 1),
                "mebibytes_on_disk": round(size / 1024**2),
            }
        )
    return rows


def measured(bench: Bench, rounds: int) -> list[Row]:
    """Every figure of one database."""
    options = ("-Fd", "-Z1", "-j2")

    def dump() -> Cost:
        return bench.dump(*options)

    rows = [
        compared("backup_to_pg_dump", rounds, lambda: bench.steps("take", "without"), dump),
        compared("backup_with_digests_to_pg_dump", rounds, lambda: bench.steps("take"), dump),
    ]
    rows.append(
        compared("restore_to_pg_restore", rounds, bench.ours_restored, lambda: bench.restore("-j2"))
    )
    rows.append(alone("digest", lambda: bench.steps("digest")))
    rows.append(alone("verification", lambda: bench.steps("verify")))
    rows.append(
        alone("plain_sql_of_the_design_document", lambda: bench.dump("--no-owner", "--no-acl"))
    )
    return rows


def main(words: Sequence[str]) -> None:
    """Measure databases of each size, the smallest with the formats too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gibibytes", nargs="*", type=float, default=[1.0, 4.0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(words)
    rows: list[Row] = []
    for number, size in enumerate(options.gibibytes):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=ROOT / "var")))
            folder.chmod(0o755)
            servers = stack.enter_context(Servers(folder))
            os.environ |= {
                "DATABASE_URL": servers.database_url,
                "REDIS_URL": servers.redis_url,
                "VAR_DIR": str(folder),
                "POSTGRES_BIN": str(BIN),
                "ENVIRONMENT": "test",
            }
            cost_of([sys.executable, "manage.py", "migrate", "--noinput"], folder / "bench.log")
            bench = Bench(folder, servers.database_url, size)
            measurements = [
                *(formats(bench) if not number else []),
                *measured(bench, options.rounds),
            ]
            rows += [{"gibibytes": size, **row} for row in measurements]
            for row in rows[-len(measurements) :]:
                print(row, flush=True)
    print(write("backup", rows))


if __name__ == "__main__":
    main(sys.argv[1:])

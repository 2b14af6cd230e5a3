"""`make bench-stack`: what the proxies cost a request, what PostgreSQL's tuning brings, and how
long fifty containers take to be sampled.

Every figure is a ratio or a difference of two measurements taken in turn, in one run.
"""

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.bench.answers import distinct
from tests.bench.product import Product
from tests.bench.report import write
from tests.bench.stack.sampling import sampling
from tests.bench.stack.site import PARTS, Site

HERE = Path(__file__).parent
BOUND = 1.5
"""Milliseconds that nginx and HAProxy may add to a request."""
WARM, CALLS = 200, 1500
ROUNDS, SECONDS, CLIENTS, SCALE = 3, 5, 4, 20
ANSWERS = 10_000
NAMES = ["sampling", "proxies", "tuning"]
SETTINGS = ("shared_buffers", "effective_cache_size", "work_mem", "max_wal_size", "wal_compression")
Row = dict[str, Any]


def called(client: httpx.Client, calls: int) -> list[float]:
    """Milliseconds of each call, over one connection."""
    taken = []
    for _ in range(calls):
        began = time.perf_counter()
        client.get("/health/live").raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def proxies(site: Site) -> Iterator[Row]:
    """p50 of /health/live straight to web, through HAProxy, and through nginx and HAProxy."""
    urls = {"web": site.web_address(), "haproxy": site.haproxy, "nginx": site.nginx}
    with ExitStack() as open_clients:
        clients = {
            name: open_clients.enter_context(
                httpx.Client(base_url=url, verify=False, trust_env=False)  # noqa: S501
            )
            for name, url in urls.items()
        }
        taken: dict[str, list[float]] = {name: [] for name in clients}
        for client in clients.values():
            called(client, WARM)
        for _ in range(CALLS):
            # In turn, so that all meet the same neighbours.
            for name, client in clients.items():
                taken[name] += called(client, 1)
    middle = {name: round(statistics.median(values), 3) for name, values in taken.items()}
    cost = round(middle["nginx"] - middle["web"], 3)
    yield {"name": "proxies_cost_ms", "p50_ms": middle, "cost_ms": cost, "bound_ms": BOUND}


def prepared(site: Site) -> Product:
    """pgbench's tables are filled, and an exam can be handed in."""
    site.sql("CREATE DATABASE bench")
    options = ["-h", "127.0.0.1", "-U", "pmscoring", "-q", "-i", "-s", str(SCALE), "bench"]
    site.with_password("pgbench", *options)
    return Product(site.token(), site.haproxy)


def transactions(site: Site, *options: str) -> float:
    """Transactions a second by pgbench."""
    told = site.with_password(
        *("pgbench", "-h", "127.0.0.1", "-U", "pmscoring", "-n", "-M", "prepared"),
        *("-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), *options, "bench"),
    )
    found = re.search(r"^tps = ([0-9.]+)", told, re.MULTILINE)
    assert found, told
    return float(found[1])


def intake(site: Site, product: Product, code: str) -> float:
    """Answers a second from the bulk POST to its answer."""
    product.load(code)
    _, seconds = product.hand_in(code, distinct(ANSWERS, seed=1))
    return ANSWERS / seconds


def compared(name: str, measure: Callable[[Site], float], tuned: Site, plain: Site) -> Row:
    """Rates in turn, and the ratio of their medians."""
    rates: dict[str, list[float]] = {"tuned": [], "defaults": []}
    for n in range(ROUNDS):
        pair = [("tuned", tuned), ("defaults", plain)]
        for side, site in pair if n % 2 else reversed(pair):
            # What the other one, or the last round, left to be written is not this one's.
            for other in (tuned, plain):
                other.checkpoint()
            rates[side].append(round(measure(site), 1))
    ratio = statistics.median(rates["tuned"]) / statistics.median(rates["defaults"])
    return {"name": name, "ratio": round(ratio, 3), "per_second": rates}


def tuning(tuned: Site, plain: Site) -> Iterator[Row]:
    """Our settings against PostgreSQL's defaults."""
    products = {site.name: prepared(site) for site in (tuned, plain)}
    in_force = {
        site.name: {name: site.sql(f"SHOW {name}") for name in SETTINGS} for site in (tuned, plain)
    }
    codes = iter(f"BENCH-{n}" for n in range(2 * ROUNDS))
    yield {"name": "settings", **in_force}
    figures: dict[str, Callable[[Site], float]] = {
        "intake": lambda site: intake(site, products[site.name], next(codes)),
        "pgbench_mixed": transactions,
        "pgbench_select": lambda site: transactions(site, "-S"),
    }
    for name, measure in figures.items():
        yield compared(name, measure, tuned, plain)


def measured(wanted: Sequence[str], prefixes: Sequence[str]) -> Iterator[Row]:
    """The figures of these names; the sites last for as long as theirs are measured."""
    if "sampling" in wanted:
        yield from sampling()
    if set(wanted) == {"sampling"}:
        return
    first, second = prefixes
    with tempfile.TemporaryDirectory() as folder, ExitStack() as sites:
        secrets = Path(folder)
        tuned = Site("pmscoring-bench", first, secrets / "a", parts=(*PARTS, "nginx"))
        plain = Site("pmscoring-bench-defaults", second, secrets / "b", [HERE / "defaults.yaml"])
        for site in [tuned, plain] if "tuning" in wanted else [tuned]:
            sites.callback(site.down)
            site.up()
        if "proxies" in wanted:
            yield from proxies(tuned)
        if "tuning" in wanted:
            yield from tuning(tuned, plain)


def main() -> None:
    """The command line: which figures, all unless told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], default=[])
    parser.add_argument("--prefixes", nargs=2, default=["172.24", "172.25"], metavar="172.n")
    given = parser.parse_args()
    rows = []
    for row in measured(given.names or NAMES, given.prefixes):
        print(row, flush=True)
        rows.append(row)
    write("stack", rows)


if __name__ == "__main__":
    main()

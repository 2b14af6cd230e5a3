"""`make bench`: every figure a ratio of two measurements taken side by side in one run.

Runs inside the embedded installation, which it is given by PMS_URL, DATABASE_URL and INFERENCE_URL.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
django.setup()

from scoring.management.commands.demo import issue_token  # noqa: E402
from tests.bench.answers import distinct  # noqa: E402
from tests.bench.inference import Raw, Service, sentence_transformer  # noqa: E402
from tests.bench.product import Product, copy_seconds, percentile  # noqa: E402
from tests.bench.report import write  # noqa: E402

ROUNDS = 5
ANSWERS, ALL = 6 * 1024, 10_000
ONES = 300
Row = dict[str, Any]


def summed(name: str, ratios: Sequence[float], **more: Any) -> Row:
    """The row of a figure: median and spread of its rounds."""
    spread = [round(min(ratios), 3), round(max(ratios), 3)]
    return {"name": name, "ratio": round(statistics.median(ratios), 3), "spread": spread, **more}


def service_to_raw(raw: Raw, service: Service) -> Row:
    """(a) answers/s of the service over HTTP ÷ those of the encoder alone."""
    service.seconds(distinct(512, seed=1))
    ratios, rates = [], []
    for n in range(ROUNDS):
        answers = distinct(ANSWERS, seed=10 + n)
        sequences = raw.sequences(answers)
        alone, served = raw.seconds(sequences), service.seconds(answers)
        ratios.append(alone / served)
        rates.append(round(ANSWERS / served))
    more = {"answers_per_second": rates, "raw_pack_tokens": raw.pack_tokens}
    return summed("service_to_raw", ratios, sequences_per_answer=len(sequences) / ANSWERS, **more)


def service_to_sentence_transformers(raw: Raw, service: Service) -> Row:
    """(b) answers/s of the service over HTTP ÷ those of sentence_transformers.encode in fp32."""
    model = sentence_transformer()
    model.encode(distinct(64, seed=2), show_progress_bar=False)
    ratios = []
    for n in range(3):
        answers = distinct(1000, seed=20 + n)
        prefixed = [f"query: {text}" for text in answers]
        began = time.perf_counter()
        model.encode(prefixed, show_progress_bar=False)
        theirs = time.perf_counter() - began
        ratios.append(theirs / service.seconds(answers))
    return summed("service_to_sentence_transformers", ratios)


def raw_to_end(raw: Raw, product: Product) -> Row:
    """(c) seconds of the encoder alone ÷ seconds from the bulk POST to the last mark."""
    ratios, seconds = [], []
    for n in range(3):
        answers, code = distinct(ALL, seed=30 + n), f"BENCH-C{n}"
        product.load(code)
        alone = raw.seconds(raw.sequences(answers))
        whole = product.seconds_to_marks(code, answers)
        ratios.append(alone / whole)
        seconds.append(round(whole, 2))
    return summed("raw_to_end_to_end", ratios, seconds=seconds)


def intake_to_copy(product: Product) -> Row:
    """(d) rows/s of the bulk intake ÷ those of a bare COPY of the same rows."""
    ratios, rates = [], []
    for n in range(ROUNDS):
        answers, code = distinct(ALL, seed=40 + n), f"BENCH-D{n}"
        product.load(code)
        bare = copy_seconds(answers)
        _, taken = product.hand_in(code, answers)
        ratios.append(bare / taken)
        rates.append(round(ALL / taken))
    return summed("intake_to_copy", ratios, rows_per_second=rates)


def one_to_raw(raw: Raw, product: Product) -> list[Row]:
    """(e) p50 and p99 of one POST /score ÷ the median of the raw forward of one answer."""
    product.load("BENCH-E")
    middles, tails = [], []
    for n in range(3):
        alone, whole = [], []
        for text in distinct(ONES, seed=60 + n):
            # In turn, so that both meet the same caches and the same neighbours.
            alone.append(raw.seconds(raw.sequences([text])))
            whole.append(product.score_once("BENCH-E", text))
        middle = statistics.median(alone)
        middles.append(percentile(whole, 0.5) / middle)
        tails.append(percentile(whole, 0.99) / middle)
    return [summed("score_p50_to_raw", middles), summed("score_p99_to_raw", tails)]


def main() -> None:
    """The command line: which figures, all unless told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*"abcde", []], default=[])
    wanted = parser.parse_args().names or list("abcde")
    raw, service, product = Raw(), Service(), Product(issue_token())
    figures: dict[str, Callable[[], Row | list[Row]]] = {
        "e": lambda: one_to_raw(raw, product),
        "a": lambda: service_to_raw(raw, service),
        "b": lambda: service_to_sentence_transformers(raw, service),
        "c": lambda: raw_to_end(raw, product),
        "d": lambda: intake_to_copy(product),
    }
    rows: list[Row] = []
    for name, measure in figures.items():
        if name in wanted:
            found = measure()
            new = found if isinstance(found, list) else [found]
            print(*new, sep="\n", flush=True)
            rows += new
    write("bench", rows)


if __name__ == "__main__":
    main()

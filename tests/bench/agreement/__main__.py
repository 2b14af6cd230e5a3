"""`make bench-agreement DATA=FOLDER`: calibrated marks against people's, by one protocol.

A CSV file counts when it has columns question (or set), text, and points (or correct). Where it has
two readers' columns their agreement stands beside ours, and where it has folds those are used.
The sample exam follows.
Every fit is the service's own, in two processes of one thread. `--keep` keeps what the encoder made
of the texts in a folder, so that the next run need not read them again; AGREEMENT= passes options.
"""

import argparse
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from inference_server.fitting.examples import FEWEST as FEWEST_EXAMPLES
from inference_server.fitting.measures import kappa
from inference_server.judging.texts import Text
from scoring.agreement.kappa import mean_kappa
from tests.bench.agreement import datasets, measures, protocol, speed, unseen, written
from tests.bench.agreement.datasets import Data, Row
from tests.bench.agreement.encoded import Reader
from tests.bench.report import write

SIZES = (50, 100, 200, 400)
FEWEST, MANY = 38, 500
"""Answers of a question from which folds, and from which draws of few answers, tell something."""
Texts = dict[str, list[Text]]
ESSAY = 1000
"""Characters from which on a text is no short answer; draws of few are made of these alone."""


def points_of(rows: Sequence[Row]) -> Any:
    """[rows]."""
    return np.array([row.points for row in rows])


def by_folds(data: Data, texts: Texts, worthless: Texts, pool: ProcessPoolExecutor) -> list[Any]:
    """A row a question and one for all, every answer judged by a fit without its fold."""
    told, outcomes = [], []
    for name, rows in data.questions.items():
        if len(rows) < FEWEST:
            continue
        points, fold = points_of(rows), protocol.folds(texts[name], [row.fold for row in rows])
        began = time.perf_counter()
        jobs = list(protocol.by_fold(texts[name], points, fold, worthless[name]))
        order = np.concatenate([np.flatnonzero(fold == one) for one in np.unique(fold)])
        outcome = protocol.joined(list(pool.map(protocol.run, jobs)))
        outcomes.append(outcome)
        one = {"name": f"{data.name} {name}", **measures.of_question(outcome)}
        one |= {f"promise_{k}": v for k, v in measures.promise([outcome]).items()}
        simple = protocol.simple(texts[name], points, fold)
        one["simple_qwk"] = kappa(simple, points)
        if rows[0].readers:
            pairs = np.array([rows[i].readers for i in order])
            one["readers_qwk"] = kappa(pairs[:, 0], pairs[:, 1])
            one["review_share"] = measures.review_share([outcome], one["readers_qwk"])
        one["seconds"] = time.perf_counter() - began
        told.append(show(one))
    if told:
        told.append(show(_together(data.name, told, outcomes)))
    return told


def _together(name: str, told: Sequence[Any], outcomes: Sequence[Any]) -> dict[str, Any]:
    means = ("qwk", "exact", "ece", "hindsight", "simple_qwk", "readers_qwk")
    one: dict[str, Any] = {"name": f"{name} ALL", "answers": sum(row["answers"] for row in told)}
    one |= {k: float(np.mean([row[k] for row in told])) for k in means if k in told[0]}
    for key in ("qwk", "simple_qwk", "readers_qwk"):
        if key in told[0]:
            one[f"{key}_fisher"] = mean_kappa([row[key] for row in told])
    if "readers_qwk" in one:
        one["review_share"] = measures.review_share(outcomes, one["readers_qwk"])
    every = protocol.joined(outcomes)
    one["ece_pooled"] = measures.of_question(every)["ece"]
    lowest = [row["promise_lowest"] for row in told if row["promise_lowest"] is not None]
    one |= {f"promise_{k}": v for k, v in measures.promise(outcomes).items()}
    return one | {"promise_lowest": min(lowest, default=None)}


def of_few(data: Data, texts: Texts, worthless: Texts, pool: ProcessPoolExecutor) -> list[Any]:
    """A row for each number of marked answers: the mean of three draws, over questions."""
    told = []
    for size in SIZES:
        kappas, errors, wanted = [], [], []
        drawn: list[list[protocol.Outcome]] = []
        for name, rows in data.questions.items():
            if len(rows) < MANY or len(rows[0].text) > ESSAY:
                continue
            jobs = list(protocol.drawn(texts[name], points_of(rows), size, worthless[name]))
            outcomes = list(pool.map(protocol.run, jobs))
            each = [measures.of_question(one) for one in outcomes]
            kappas.append(float(np.mean([one["qwk"] for one in each])))
            errors.append(float(np.mean([one["ece"] for one in each])))
            if rows[0].readers:
                pairs = np.array([row.readers for row in rows])
                wanted.append(kappa(pairs[:, 0], pairs[:, 1]))
                drawn.append(outcomes)
        if kappas:
            one: dict[str, Any] = {"name": f"{data.name} {size} marked", "qwk": np.mean(kappas)}
            one |= {"qwk_fisher": mean_kappa(kappas), "ece": float(np.mean(errors))}
            if drawn:
                mean = float(np.mean(wanted))
                of_draws = [
                    measures.review_share(of_draw, mean) for of_draw in zip(*drawn, strict=True)
                ]
                one["review_share"] = float(np.mean(of_draws))
            told.append(show(one))
    return told


def on_test(data: Data, reader: Reader, pool: ProcessPoolExecutor) -> list[Any]:
    """Fitted to each question's answers, judged on those of the test file."""
    jobs = []
    for name, rows in data.test.items():
        train = data.questions[name]
        texts = reader.texts([*train, *rows])
        worthless, count = reader.worthless(train, data.questions.values()), len(train)
        given = points_of(train), points_of(rows)
        jobs.append(protocol.Job(texts[:count], given[0], texts[count:], given[1], worthless))
    outcome = protocol.joined(list(pool.map(protocol.run, jobs)))
    one = {"name": f"{data.name} on its test", **measures.of_question(outcome)}
    hits = outcome.given == outcome.points
    one["f1_weighted"] = measures.weighted_f1(outcome.points, outcome.given)
    few = sum(len(rows) < FEWEST_EXAMPLES for rows in data.questions.values())
    return [show(one | {"accuracy": float(hits.mean()), "questions_under_30": few})]


def show(row: dict[str, Any]) -> dict[str, Any]:
    """Print one line of the table."""
    plain = {k: float(v) if isinstance(v, np.floating) else v for k, v in row.items()}
    numbers = [
        f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in plain.items()
        if key != "name" and value is not None
    ]
    print(f"{row['name']:<36}{'  '.join(numbers)}", flush=True)
    return plain


def measured(data: Data, reader: Reader, parts: Iterable[str], pool: ProcessPoolExecutor) -> Any:
    """The rows of one file."""
    rows: list[Any] = []
    if "speed" in parts and not data.test:
        largest = max(data.questions.values(), key=len)
        rows.append(show({"name": f"{data.name} speed", **speed.measure(reader.scorer(), largest)}))
    if "unseen" in parts:
        found = unseen.measure(data, reader)
        rows += [show(found)] if found else []
    if data.test:
        return rows + (on_test(data, reader, pool) if "test" in parts else [])
    if {"folds", "few"} & set(parts):
        texts = {name: reader.texts(found) for name, found in data.questions.items()}
        every = data.questions.values()
        worthless = {name: reader.worthless(own, every) for name, own in data.questions.items()}
        rows += by_folds(data, texts, worthless, pool) if "folds" in parts else []
        rows += of_few(data, texts, worthless, pool) if "few" in parts else []
    return rows


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of CSV files")
    parser.add_argument("--parts", default="folds,few,test,unseen,speed,sample")
    parser.add_argument("--only", default="", help="files whose path has this in it")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    # For the processes to come: threads of several that wait for each other spin away the cores.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    reader = Reader(asked.keep)
    told: list[Any] = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for data in datasets.find(asked.data):
            if asked.only in data.name:
                told += measured(data, reader, asked.parts.split(","), pool)
                write("agreement", told)
    if "sample" in asked.parts.split(",") and asked.only in "sample":
        told += [show(row) for row in written.measure(reader.scorer())]
        write("agreement", told)
    reader.close()


if __name__ == "__main__":
    main()

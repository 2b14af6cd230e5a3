"""Answers a second: the encoder alone, the product's reading and marking, sentence-transformers."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

from inference_server.arrays import Floats
from tests.gpu.machine import Answer, Machine

CALLERS, REQUEST = 4, 256
"""Requests at a time, and the texts of each."""
PASSES = 3
"""The fastest of them counts; one before them warms up."""
Forward = Callable[[Sequence[Sequence[int]]], list[Floats]]


def per_second(count: int, work: Callable[[], object]) -> float:
    """How many of `count` answers `work` is done with in a second."""
    work()
    return count / min(_seconds(work) for _ in range(PASSES))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def packed(sequences: Sequence[Sequence[int]], most: int) -> list[list[Sequence[int]]]:
    """The sequences in packs of at most so many tokens, or of one sequence."""
    packs: list[list[Sequence[int]]] = [[]]
    room = most
    for sequence in sequences:
        if packs[-1] and len(sequence) > room:
            packs.append([])
            room = most
        packs[-1].append(sequence)
        room -= len(sequence)
    return packs


def encode(forward: Forward, sequences: Sequence[Sequence[int]], pack_tokens: int) -> None:
    """The encoder alone: token vectors of tokenised texts, the shortest first."""
    for pack in packed(sorted(sequences, key=len), pack_tokens):
        forward(pack)


def requests_of(answers: Sequence[Answer]) -> list[tuple[int, list[str]]]:
    """Requests of one question each, as workers send them."""
    by_question = groupby(sorted(answers, key=lambda each: each.question), lambda e: e.question)
    requests = []
    for question, own in by_question:
        texts = list(dict.fromkeys(answer.text for answer in own))
        requests += [(question, texts[at : at + REQUEST]) for at in range(0, len(texts), REQUEST)]
    return requests


def serve(machine: Machine, requests: Sequence[tuple[int, list[str]]]) -> None:
    """Tokenise, encode, match and mark, without HTTP."""
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(lambda request: machine.points(*request), requests))


def sentence_transformer(weights: Path, device: str, precision: str = "fp32") -> Any:
    """sentence-transformers on the same weights and layers; ImportError where it is missing."""
    import torch
    from safetensors import safe_open
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    with tempfile.TemporaryDirectory(prefix="pmscoring-bench-") as name:
        folder = Path(name)
        for file in ("model.safetensors", "tokenizer.json"):
            shutil.copy(weights / file, folder / file)
        with safe_open(weights / "model.safetensors", "numpy") as tensors:
            layers = {key.split(".")[2] for key in tensors.keys() if key.startswith("encoder.")}  # noqa: SIM118
        config = json.loads((weights / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": len(layers)}))
        special = {"bos": "<s>", "eos": "</s>", "pad": "<pad>", "unk": "<unk>"}
        settings: dict[str, str | int] = {f"{key}_token": token for key, token in special.items()}
        settings |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512}
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        body = Transformer(str(folder), model_kwargs={"torch_dtype": dtype})
        pooling = Pooling(body.get_embedding_dimension())
        return SentenceTransformer(modules=[body, pooling], device=device)

"""The inference service over HTTP beside the encoder alone, and beside sentence-transformers."""

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import orjson
from django.conf import settings

from inference_server.encoding.engine import Encoder, choose
from pmscoring.base import texts
from tests.bench.answers import distinct, question
from tests.paths import WEIGHTS

CALLERS, THREADS = 2, 2
PACKS = (512, 1024, 2048, 4096)


class Raw:
    """The encoder in this process, as many threads and the same precision as the service."""

    def __init__(self) -> None:
        self.encoder = Encoder.load(WEIGHTS, *choose("cpu", "auto"), THREADS)
        self.pack_tokens = PACKS[0]
        sequences = self.sequences(distinct(1000, seed=99))
        self.pack_tokens = min(PACKS, key=lambda size: self.seconds(sequences, size))

    def sequences(self, answers: Sequence[str]) -> list[list[int]]:
        """One a text, tokenised, the shortest first."""
        tokens = self.encoder.tokenise([texts.folded(text) for text in answers])
        return sorted((one.ids for one in tokens), key=len)

    def seconds(self, sequences: Sequence[Sequence[int]], pack_tokens: int | None = None) -> float:
        """How long one pass over every sequence takes, in packs of the best size found."""
        packs = _packed(sequences, pack_tokens or self.pack_tokens)
        began = time.perf_counter()
        for pack in packs:
            self.encoder.forward(pack)
        return time.perf_counter() - began


def _packed(sequences: Sequence[Sequence[int]], most: int) -> list[list[Sequence[int]]]:
    packs: list[list[Sequence[int]]] = [[]]
    for one in sequences:
        if packs[-1] and sum(map(len, packs[-1])) + len(one) > most:
            packs.append([])
        packs[-1].append(one)
    return packs


class Service:
    """The running inference service."""

    def __init__(self) -> None:
        headers = {"Authorization": f"Bearer {os.environ['INFERENCE_TOKEN']}"}
        self.http = httpx.Client(
            base_url=os.environ["INFERENCE_URL"], headers=headers, timeout=120, trust_env=False
        )

    def seconds(self, answers: Sequence[str]) -> float:
        """How long it takes to score all of them, in requests as a worker sends them."""
        size = settings.SCORING_BATCH
        bodies = [self.body(answers[at : at + size]) for at in range(0, len(answers), size)]
        began = time.perf_counter()
        with ThreadPoolExecutor(CALLERS) as callers:
            list(callers.map(self.ask, bodies))
        return time.perf_counter() - began

    def body(self, answers: Sequence[str]) -> bytes:
        """A request for them."""
        named = [{"id": str(n), "text": text} for n, text in enumerate(answers)]
        return orjson.dumps({"question": question(), "calibration": None, "answers": named})

    def ask(self, body: bytes) -> Any:
        """The results."""
        response = self.http.post("/v1/score", content=body)
        response.raise_for_status()
        return orjson.loads(response.content)["results"]


def sentence_transformer() -> Any:
    """sentence-transformers on the same weights in fp32, as its users load it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    torch.set_num_threads(THREADS)
    folder = Path(tempfile.mkdtemp(prefix="pmscoring-bench-"))
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copy(WEIGHTS / name, folder / name)
    special = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, **special}
    (folder / "tokenizer_config.json").write_bytes(orjson.dumps(told))
    try:
        body = Transformer(str(folder), model_kwargs={"torch_dtype": torch.float32})
        pooling = Pooling(body.get_embedding_dimension())
        return SentenceTransformer(modules=[body, pooling], device="cpu")
    finally:
        shutil.rmtree(folder)

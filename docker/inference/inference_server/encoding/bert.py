"""The encoder's forward pass on packed sequences: no padding, attention per length.

Every sequence's tokens stand one after the other in one [tokens, width] matrix. What mixes tokens,
attention alone, runs over sequences of one length at a time, so that no vector depends on which
others were in the batch. On int8 each token has its own activation scale, each output channel its
own weight scale, and sums are exact in int32.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

Precision = Literal["int8", "fp32", "bf16"]
LEAST_ROWS = 32
"""`torch._int_mm` wants more than 16 rows; padding rows cost a lone answer nothing that matters."""


class Linear(Protocol):
    """y = x Wᵀ + b on [tokens, in] → [tokens, out]."""

    def __call__(self, x: Tensor, /) -> Tensor: ...


class PlainLinear:
    """A product in the precision of its weight."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias)


class Int8Linear:
    """A product of symmetric 8-bit integers, with a scale for each token and output channel."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        scale = weight.abs().amax(dim=1).clamp_min(1e-8) / 127
        self.scale = scale / 127
        self.weight = (weight / scale[:, None]).round().to(torch.int8).t().contiguous()
        self.bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        peak = x.abs().amax(dim=1, keepdim=True).clamp_min_(1e-8)
        quantised = (x * peak.reciprocal().mul_(127)).round_().to(torch.int8)
        product = torch._int_mm(quantised, self.weight)
        return torch.addcmul(self.bias, product, peak * self.scale)


class Layer:
    """A transformer layer of BERT.

    Called with x [tokens, width] and `groups`, pairs of length and number of the sequences in it.
    """

    def __init__(
        self,
        state: dict[str, Tensor],
        heads: int,
        epsilon: float,
        linear: type[PlainLinear | Int8Linear],
    ) -> None:
        self.heads, self.epsilon = heads, epsilon
        names = ("query", "key", "value")
        self.qkv: Linear = linear(
            torch.cat([state[f"attention.self.{name}.weight"] for name in names]),
            torch.cat([state[f"attention.self.{name}.bias"] for name in names]),
        )
        self.out: Linear = _part(state, "attention.output.dense", linear)
        self.up: Linear = _part(state, "intermediate.dense", linear)
        self.down: Linear = _part(state, "output.dense", linear)
        self.norms = [_norm(state, f"{name}.LayerNorm") for name in ("attention.output", "output")]

    def __call__(self, x: Tensor, groups: Sequence[tuple[int, int]]) -> Tensor:
        attended = self.out(self._attention(self.qkv(x), groups))
        x = self._norm(attended.add_(x), 0)
        return self._norm(self.down(functional.gelu(self.up(x))).add_(x), 1)

    def _norm(self, x: Tensor, index: int) -> Tensor:
        weight, bias = self.norms[index]
        return functional.layer_norm(x, x.shape[-1:], weight, bias, self.epsilon)

    def _attention(self, qkv: Tensor, groups: Sequence[tuple[int, int]]) -> Tensor:
        width = qkv.shape[1] // 3
        result = qkv.new_empty(qkv.shape[0], width)
        start = 0
        for length, size in groups:
            end = start + length * size
            part = qkv[start:end].view(size, length, 3, self.heads, width // self.heads)
            query, key, value = part.permute(2, 0, 3, 1, 4).unbind(0)
            mixed = attend(query, key, value)
            result[start:end] = mixed.transpose(1, 2).reshape(end - start, width)
            start = end
        if start < len(result):
            result[start:] = 0
        return result


class PackedBert(nn.Module):
    """BERT's first `depth` layers (None: all) over packed sequences (Devlin et al. 2019).

    `state` is a Hugging Face state dict of BertModel, `config` its config.json. `middle` are the
    numbers of layers, from 1, of which the mean token vector is given too; of each sequence it
    leaves out the first `head` tokens and the last one.
    """

    def __init__(
        self,
        state: dict[str, Tensor],
        config: dict[str, int | float],
        precision: Precision,
        depth: int | None = None,
        middle: Sequence[int] = (),
        head: int = 1,
    ) -> None:
        super().__init__()
        self.middle, self.head = frozenset(middle), head
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        linear = Int8Linear if precision == "int8" else PlainLinear
        epsilon = float(config["layer_norm_eps"])
        self.epsilon = epsilon
        self.words = state["embeddings.word_embeddings.weight"]
        positions = state["embeddings.position_embeddings.weight"].to(self.dtype)
        types = state["embeddings.token_type_embeddings.weight"].to(self.dtype)
        self.positions = positions + types[0]
        self.norm = [tensor.to(self.dtype) for tensor in _norm(state, "embeddings.LayerNorm")]
        self.layers = [
            Layer(
                _layer_state(state, index, self.dtype),
                int(config["num_attention_heads"]),
                epsilon,
                linear,
            )
            for index in range(depth or int(config["num_hidden_layers"]))
        ]

    def forward(self, sequences: Sequence[Sequence[int]]) -> list[Tensor]:
        """Token vectors [tokens, width] of each sequence, in the order of `sequences`.

        Below them stands a row for each of the `middle` layers, in ascending order.
        """
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        lengths = [len(sequences[index]) for index in order]
        x = self._embed([sequences[index] for index in order], lengths)
        groups = [(length, len(list(equals))) for length, equals in groupby(lengths)]
        means = []
        for number, layer in enumerate(self.layers, start=1):
            x = layer(x, groups)
            if number in self.middle:
                means.append(self._means(x, lengths))
        parts = torch.split(x[: sum(lengths)], lengths)
        if means:
            parts = tuple(
                torch.cat([part.float(), *(rows[place, None] for rows in means)])
                for place, part in enumerate(parts)
            )
        result = [parts[0]] * len(order)
        for index, part in zip(order, parts, strict=True):
            result[index] = part
        return result

    def _means(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        """[sequences, width] in fp32, each from its own tokens alone: no pack changes it."""
        sums = [
            part[self.head : -1].float().sum(dim=0) / max(len(part) - self.head - 1, 1)
            for part in torch.split(x[: sum(lengths)], list(lengths))
        ]
        return torch.stack(sums)

    def _embed(self, sequences: Sequence[Sequence[int]], lengths: Sequence[int]) -> Tensor:
        device = self.words.device
        ids = [token for sequence in sequences for token in sequence]
        places = [place for length in lengths for place in range(length)]
        fill = max(0, LEAST_ROWS - len(ids))
        words = self.words[torch.tensor(ids + [1] * fill, device=device)].to(self.dtype)
        x = words + self.positions[torch.tensor(places + [0] * fill, device=device)]
        return functional.layer_norm(x, x.shape[-1:], self.norm[0], self.norm[1], self.epsilon)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention on [sequences, heads, length, width of a head] (Vaswani et al. 2017).

    On short sequences two plain products are as fast as the CPU's fused kernel. They are batches of
    matrices and not broadcast products, which round otherwise in groups of another size.
    """
    if query.is_cuda:
        return functional.scaled_dot_product_attention(query, key, value)
    size, heads, length, width = query.shape
    queries, keys, values = (
        part.reshape(size * heads, length, width) for part in (query, key, value)
    )
    unused = query.new_zeros(1)
    scores = torch.baddbmm(unused, queries, keys.transpose(1, 2), beta=0, alpha=width**-0.5)
    return torch.bmm(scores.softmax(dim=-1), values).view(query.shape)


def _part(
    state: dict[str, Tensor], name: str, linear: type[PlainLinear | Int8Linear]
) -> PlainLinear | Int8Linear:
    return linear(state[f"{name}.weight"], state[f"{name}.bias"])


def _norm(state: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    return state[f"{name}.weight"], state[f"{name}.bias"]


def _layer_state(state: dict[str, Tensor], index: int, dtype: torch.dtype) -> dict[str, Tensor]:
    head = f"encoder.layer.{index}."
    return {
        name.removeprefix(head): tensor.to(dtype)
        for name, tensor in state.items()
        if name.startswith(head)
    }

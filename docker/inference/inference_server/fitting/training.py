"""Trains the heads with torch, on the CPU, from a seed and without global state.

AdamW (Loshchilov & Hutter 2019) with a warm-up and a cosine schedule; dropout (Srivastava et al.
2014) of axes and of pooled responses.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inference_server.arrays import Doubles, Floats, Indices
from inference_server.fitting.folds import left_out
from inference_server.fitting.lessons import Lessons
from inference_server.judging.heads import Basis, Heads
from inference_server.judging.texts import Text

WIDTH, FILTERS, BATCH = 256, 64, 32
RATE, DECAY = 3e-3, 0.05
AXES_DROPOUT, POOLED_DROPOUT = 0.25, 0.4
EPOCHS, LEAST_STEPS = 20, 160
WARM_UP = 0.1
SAMPLE = 30_000
"""Tokens that are enough to find the axes."""
Step = Callable[[], None]


def limit_threads(threads: int) -> None:
    """Let torch compute with so many threads in the calling one; other threads' teams stay."""
    torch.set_num_threads(threads)


class Network:
    """A head in training: its parameters, and its response to a padded batch.

    `generator` draws its first weights, its dropout and its batches, and nothing else uses it:
    what other threads train changes none of them.
    """

    def __init__(self, outputs: int, generator: torch.Generator) -> None:
        self.generator = generator
        self.filters = self._drawn(WIDTH, 4 * FILTERS)
        self.filter_bias = torch.zeros(2, FILTERS)
        self.output = self._drawn(4 * FILTERS, outputs)
        self.output_bias = torch.zeros(outputs)
        self.parameters = [self.filters, self.filter_bias, self.output, self.output_bias]
        for parameter in self.parameters:
            parameter.requires_grad_()

    def _drawn(self, rows: int, columns: int) -> Tensor:
        uniform = torch.rand(rows, columns, generator=self.generator) * 2 - 1
        scaled: Tensor = uniform / rows**0.5
        return scaled

    def _dropped(self, x: Tensor, share: float) -> Tensor:
        """x without so large a share of its last axis, another share for each text."""
        shape = x.shape[0], *[1] * (x.dim() - 2), x.shape[-1]
        kept = torch.rand(shape, generator=self.generator) >= share
        dropped: Tensor = x * (kept / (1 - share))
        return dropped

    def __call__(self, rows: Tensor, present: Tensor) -> Tensor:
        """Log odds [texts, outputs], from [texts, rows, WIDTH] and 1 where a row is no padding."""
        responses = self._dropped(rows, AXES_DROPOUT) @ self.filters
        alone, before, here, behind = torch.split(responses, FILTERS, dim=2)
        three = here + functional.pad(before[:, :-1], (0, 0, 1, 0))
        three = three + functional.pad(behind[:, 1:], (0, 0, 0, 1))
        both = torch.stack([alone, three], dim=2) + self.filter_bias
        both = torch.relu(both) * present[:, :, None, None]
        pooled = torch.cat([both.amax(dim=1), torch.log1p(both.sum(dim=1))], dim=1)
        kept = self._dropped(pooled.flatten(1), POOLED_DROPOUT)
        odds: Tensor = kept @ self.output + self.output_bias
        return odds


def fit(
    lessons: Lessons, targets: Doubles, known: Doubles, seed: int, step: Step
) -> "tuple[Heads, Floats]":
    """A head for each fold that is left out, and its log odds [marked, outputs] for that fold.

    `targets` and `known` are [marked, outputs], `known` 1 where the target counts. `step` is called
    before each step, from several threads, and may raise. As many folds are trained at a time as
    the caller may use threads, each by one thread, so that the number changes the time and no
    weight.
    """
    texts, folds, marked = lessons.texts, lessons.folds, lessons.marked
    basis = _basis(texts[:marked])
    rows = [torch.from_numpy(basis(text)) for text in texts]
    out_of_fold = np.zeros(targets.shape, np.float32)
    nothing = np.ones((len(texts) - marked, targets.shape[1]))
    targets = lessons.with_nothing(targets)
    weights = np.concatenate([known, nothing]) * lessons.weights[:, None]

    def train(fold: int) -> Network:
        # Runs in several threads, which share `rows` and read them only, and write to rows of
        # `out_of_fold` that no other thread writes, since each text is in one fold.
        others = np.flatnonzero(folds != fold)
        network = Network(targets.shape[1], torch.Generator().manual_seed(seed * 1000 + fold))
        own_rows = [rows[i] for i in others]
        _train(network, own_rows, targets[others], weights[others], step)
        exported = _exported(basis, [network])
        for index in np.flatnonzero(folds[:marked] == fold).tolist():
            out_of_fold[index] = exported.predict(texts[index])
        return network

    with ThreadPoolExecutor(torch.get_num_threads(), "fold", limit_threads, (1,)) as pool:
        networks = list(pool.map(train, left_out(folds)))
    return _exported(basis, networks), out_of_fold


def steps_of(folds: Indices) -> int:
    """How many steps `fit` takes for texts in these folds."""
    return sum(_steps(int((folds != fold).sum())) for fold in left_out(folds))


def _steps(texts: int) -> int:
    return max(LEAST_STEPS, EPOCHS * -(-texts // BATCH))


def _train(
    network: Network, rows: Sequence[Tensor], targets: Doubles, weights: Doubles, step: Step
) -> None:
    labels, mask = torch.from_numpy(targets).float(), torch.from_numpy(weights).float()
    with torch.no_grad():
        share = (labels * mask).sum(0) / mask.sum(0).clamp_min(1)
        network.output_bias.copy_(torch.logit(share.clamp(0.02, 0.98)))
    steps = _steps(len(rows))
    optimiser = torch.optim.AdamW(network.parameters, lr=RATE, weight_decay=DECAY)
    for index, batch in zip(range(steps), _batches(rows, network.generator), strict=False):
        step()
        optimiser.param_groups[0]["lr"] = RATE * _rate_share(index / steps)
        padded, present = _padded([rows[i] for i in batch])
        odds = network(padded, present)
        losses = functional.binary_cross_entropy_with_logits(odds, labels[batch], reduction="none")
        optimiser.zero_grad()
        loss = (losses * mask[batch]).sum() / mask[batch].sum().clamp_min(1)
        torch.autograd.backward(loss)
        optimiser.step()


def _rate_share(done: float) -> float:
    """The share of RATE once so much is done: up from nearly nothing, down along a cosine."""
    if done < WARM_UP:
        return 0.05 + 0.95 * done / WARM_UP
    return 0.5 + 0.5 * float(np.cos(np.pi * (done - WARM_UP) / (1 - WARM_UP)))


def _batches(rows: Sequence[Tensor], generator: torch.Generator) -> Iterator[list[int]]:
    """Indices of texts of about one length, batch by batch without end."""
    lengths = torch.tensor([len(text_rows) for text_rows in rows], dtype=torch.float32)
    while True:
        jitter = torch.rand(len(rows), generator=generator) * 12
        parts = torch.split(torch.argsort(lengths + jitter, stable=True), BATCH)
        for index in torch.randperm(len(parts), generator=generator).tolist():
            yield parts[index].tolist()


def _padded(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """[texts, rows, WIDTH], and 1 where a row is no padding."""
    lengths = torch.tensor([len(text_rows) for text_rows in rows])
    padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    present = torch.arange(padded.shape[1])[None] < lengths[:, None]
    return padded, present.float()


def _basis(texts: Sequence[Text]) -> Basis:
    """Principal axes of a sample of the tokens, scaled to unit variance on average."""
    tokens: Any = np.concatenate([text.tokens for text in texts])
    tokens = tokens[:: max(1, len(tokens) // SAMPLE)].astype(np.float32)
    mean = tokens.mean(axis=0)
    centred = tokens - mean
    spread, axes = np.linalg.eigh((centred.T @ centred / len(tokens)).astype(np.float64))
    width = min(WIDTH, len(spread))
    axes = axes[:, ::-1][:, :width] / np.sqrt(max(float(spread[-width:].mean()), 1e-9))
    padded = np.zeros((len(spread), WIDTH), np.float32)
    padded[:, :width] = axes
    return Basis(mean, padded)


def _exported(basis: Basis, networks: Sequence[Network]) -> Heads:
    """The networks as numpy; `filters` are ordered by place, head and filter."""
    filters = torch.stack(
        [network.filters.detach().view(WIDTH, 4, FILTERS) for network in networks], dim=2
    )
    bias = torch.stack([network.filter_bias.detach() for network in networks], dim=1)
    return Heads(
        basis,
        filters.reshape(WIDTH, -1).numpy(),
        bias.reshape(2, -1).numpy(),
        torch.stack([network.output.detach() for network in networks]).numpy(),
        torch.stack([network.output_bias.detach() for network in networks]).numpy(),
    )

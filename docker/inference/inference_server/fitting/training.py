"""Trains the heads by torch, on the CPU, from a seed and no global state."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inference_server.arrays import Doubles, Floats, Indices
from inference_server.judging.heads import Basis, Heads
from inference_server.judging.texts import Text

WIDTH, FILTERS, BATCH = 256, 64, 32
RATE, DECAY = 3e-3, 0.05
DROPPED_AXES, DROPPED_SIGNS = 0.25, 0.4
EPOCHS, LEAST_STEPS = 20, 160
WARM_UP = 0.1
SAMPLE = 30_000
Step = Callable[[], None]


def limit_threads(threads: int) -> None:
    """Compute with so many in the calling thread; other threads' teams keep their size."""
    torch.set_num_threads(threads)


class Network:
    """One head in training: its parameters, and its answer to a padded batch."""

    def __init__(self, outputs: int, generator: torch.Generator) -> None:
        self.generator = generator
        self.look = self._made(WIDTH, 4 * FILTERS)
        self.look_bias = torch.zeros(2, FILTERS)
        self.judge = self._made(4 * FILTERS, outputs)
        self.judge_bias = torch.zeros(outputs)
        self.parameters = [self.look, self.look_bias, self.judge, self.judge_bias]
        for one in self.parameters:
            one.requires_grad_()

    def _made(self, rows: int, columns: int) -> Tensor:
        uniform = torch.rand(rows, columns, generator=self.generator) * 2 - 1
        scaled: Tensor = uniform / rows**0.5
        return scaled

    def _dropped(self, x: Tensor, share: float) -> Tensor:
        """Without so large a share of its last axis, another share for each text."""
        shape = x.shape[0], *[1] * (x.dim() - 2), x.shape[-1]
        kept = torch.rand(shape, generator=self.generator) >= share
        dropped: Tensor = x * (kept / (1 - share))
        return dropped

    def __call__(self, rows: Tensor, there: Tensor) -> Tensor:
        """Log odds [texts, outputs] from [texts, rows, WIDTH] and which rows are there."""
        seen = self._dropped(rows, DROPPED_AXES) @ self.look
        alone, before, here, behind = torch.split(seen, FILTERS, dim=2)
        three = here + functional.pad(before[:, :-1], (0, 0, 1, 0))
        three = three + functional.pad(behind[:, 1:], (0, 0, 0, 1))
        both = torch.stack([alone, three], dim=2) + self.look_bias
        both = torch.relu(both) * there[:, :, None, None]
        pooled = torch.cat([both.amax(dim=1), torch.log1p(both.sum(dim=1))], dim=1)
        signs = self._dropped(pooled.flatten(1), DROPPED_SIGNS)
        odds: Tensor = signs @ self.judge + self.judge_bias
        return odds


def fit(
    texts: Sequence[Text], targets: Doubles, known: Doubles, folds: Indices, seed: int, step: Step
) -> "tuple[Heads, Floats]":
    """A head for each fold that is left out, and what it says of that fold: log odds.

    `known` is 1 where the target counts; `step` is called before each step, from several threads,
    and may raise. As many folds are trained at a time as the caller may use threads, each by one
    thread, so that the number changes the time and no weight.
    """
    basis = _basis(texts)
    rows = [torch.from_numpy(basis(text)) for text in texts]
    without = np.zeros(targets.shape, np.float32)

    def head(fold: int) -> Network:
        others = np.flatnonzero(folds != fold)
        network = Network(targets.shape[1], torch.Generator().manual_seed(seed * 1000 + fold))
        picked = [rows[i] for i in others]
        _train(network, picked, targets[others], known[others], step)
        exported = _exported(basis, [network])
        for index in np.flatnonzero(folds == fold).tolist():
            without[index] = exported.predict(texts[index])
        return network

    with ThreadPoolExecutor(torch.get_num_threads(), "fold", limit_threads, (1,)) as pool:
        trained = list(pool.map(head, np.unique(folds).tolist()))
    return _exported(basis, trained), without


def steps_of(folds: Indices) -> int:
    """How many steps `fit` takes for texts in these folds."""
    return sum(_steps(int((folds != fold).sum())) for fold in np.unique(folds))


def _steps(texts: int) -> int:
    return max(LEAST_STEPS, EPOCHS * -(-texts // BATCH))


def _train(
    network: Network, rows: Sequence[Tensor], targets: Doubles, known: Doubles, step: Step
) -> None:
    wanted, counts = torch.from_numpy(targets).float(), torch.from_numpy(known).float()
    with torch.no_grad():
        share = (wanted * counts).sum(0) / counts.sum(0).clamp_min(1)
        network.judge_bias.copy_(torch.logit(share.clamp(0.02, 0.98)))
    steps = _steps(len(rows))
    optimiser = torch.optim.AdamW(network.parameters, lr=RATE, weight_decay=DECAY)
    for index, batch in zip(range(steps), _batches(rows, network.generator), strict=False):
        step()
        optimiser.param_groups[0]["lr"] = RATE * _share_of_rate(index / steps)
        padded, there = _padded([rows[i] for i in batch])
        odds = network(padded, there)
        losses = functional.binary_cross_entropy_with_logits(odds, wanted[batch], reduction="none")
        optimiser.zero_grad()
        loss = (losses * counts[batch]).sum() / counts[batch].sum().clamp_min(1)
        torch.autograd.backward(loss)
        optimiser.step()


def _share_of_rate(done: float) -> float:
    """Up from nearly nothing, and down along a cosine to nothing."""
    if done < WARM_UP:
        return 0.05 + 0.95 * done / WARM_UP
    return 0.5 + 0.5 * float(np.cos(np.pi * (done - WARM_UP) / (1 - WARM_UP)))


def _batches(rows: Sequence[Tensor], generator: torch.Generator) -> Iterator[list[int]]:
    """Texts of about one length together, without end."""
    lengths = torch.tensor([len(one) for one in rows], dtype=torch.float32)
    while True:
        jitter = torch.rand(len(rows), generator=generator) * 12
        parts = torch.split(torch.argsort(lengths + jitter, stable=True), BATCH)
        for index in torch.randperm(len(parts), generator=generator).tolist():
            yield parts[index].tolist()


def _padded(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(one) for one in rows])
    padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    there = torch.arange(padded.shape[1])[None] < lengths[:, None]
    return padded, there.float()


def _basis(texts: Sequence[Text]) -> Basis:
    """Principal axes of a sample of the tokens, in the order given; scaled to unit variance."""
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
    """As numpy: `look` ordered by tap, head and filter."""
    look = torch.stack([one.look.detach().view(WIDTH, 4, FILTERS) for one in networks], dim=2)
    bias = torch.stack([one.look_bias.detach() for one in networks], dim=1)
    return Heads(
        basis,
        look.reshape(WIDTH, -1).numpy(),
        bias.reshape(2, -1).numpy(),
        torch.stack([one.judge.detach() for one in networks]).numpy(),
        torch.stack([one.judge_bias.detach() for one in networks]).numpy(),
    )

"""What the learners say together: the chance of reaching each level, by one logistic regression.

P(points >= level k) = sigmoid(b_k + sum_j u_j z_jk + sum_j v_j e_j), with z the log odds of learner
j for that level and e their mean over the levels. The weights are shared by all levels and only
b_k is each level's own, so that few examples suffice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles
from inference_server.judging import logistic


@dataclass(frozen=True)
class Stack:
    """`levels` is [learned levels], `weights` [2 x learners]: of z, then of e."""

    levels: Doubles
    weights: Doubles

    def chances(self, said: Sequence[Doubles]) -> Doubles:
        """[texts, learned] from each learner's [texts, learned]."""
        odds: Doubles = self.levels[None] + columns(said) @ self.weights
        return logistic.chances(odds)


def columns(said: Sequence[Doubles]) -> Doubles:
    """[texts, learned, 2 x learners]."""
    own = np.stack(said, axis=2)
    mean = np.broadcast_to(own.mean(axis=1, keepdims=True), own.shape)
    return np.concatenate([own, mean], axis=2)

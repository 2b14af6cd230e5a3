"""What the learners say together: the chance to reach each level, by one logistic regression.

P(points >= level k) = sigmoid(b_k + sum_j u_j z_jk + sum_j v_j e_j), with z the log odds of learner
j for that level and e their mean over the levels (stacking, Wolpert 1992). The weights are shared
by all levels and only b_k is each level's own, so that few examples suffice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles
from inference_server.judging import logistic


@dataclass(frozen=True)
class Stack:
    """`intercepts` is [learned levels], `weights` [2 x learners]: of z, then of e."""

    intercepts: Doubles
    weights: Doubles

    def chances(self, odds: Sequence[Doubles]) -> Doubles:
        """[texts, learned], from each learner's log odds [texts, learned]."""
        stacked: Doubles = self.intercepts[None] + features(odds) @ self.weights
        return logistic.chances(stacked)


def features(odds: Sequence[Doubles]) -> Doubles:
    """[texts, learned, 2 x learners]: z and e of each learner."""
    own = np.stack(odds, axis=2)
    mean = np.broadcast_to(own.mean(axis=1, keepdims=True), own.shape)
    return np.concatenate([own, mean], axis=2)

"""What the learners say together: the chance to reach each level, by one logistic regression.

P(points >= level k) = sigmoid(b_k + sum_j u_j z_jk + sum_j v_j e_j + w s), with z the log odds of
learner j for that level, e their mean over the levels (stacking, Wolpert 1992), and s the share of
the points that the answer earns without a calibration. The weights are shared by all levels and
only b_k is each level's own, so that few examples suffice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles
from inference_server.judging import logistic

SPREAD = 8.0
"""Shares differ by tenths where log odds differ by ones."""


@dataclass(frozen=True)
class Stack:
    """`intercepts` is [learned levels], `weights` [2 x learners + 1]: of z, of e, then of s.

    One that was stored before shares were learned from has no last weight.
    """

    intercepts: Doubles
    weights: Doubles

    def chances(self, columns: Doubles) -> Doubles:
        """[texts, learned], from the `features` of the texts."""
        known = columns[..., : len(self.weights)]
        stacked: Doubles = self.intercepts[None] + known @ self.weights
        return logistic.chances(stacked)


def features(odds: Sequence[Doubles], shares: Doubles) -> Doubles:
    """[texts, learned, 2 x learners + 1]: z and e of each learner, and s around 0.

    From each learner's log odds [texts, learned], and shares [texts].
    """
    own = np.stack(odds, axis=2)
    mean = np.broadcast_to(own.mean(axis=1, keepdims=True), own.shape)
    share = np.broadcast_to(SPREAD * (shares - 0.5)[:, None, None], (*own.shape[:2], 1))
    return np.concatenate([own, mean, share], axis=2)

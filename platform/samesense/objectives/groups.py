"""Means over groups of a batch as matrix products.

Shapes: B items, D width, G groups, K domains.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def averaging(label_B: Tensor, *, like: Tensor) -> Tensor:
    """Return the matrix (G, B) whose product with rows is their mean for each label, in order.

    It has the number format of ``like``.
    """
    member_BG = F.one_hot(torch.unique(label_B, return_inverse=True)[1]).to(like.dtype)
    return (member_BG / member_BG.sum(dim=0)).T


def mean_pair_distance(gram_KK: Tensor) -> Tensor:
    """Return the mean of ‖x_a − x_b‖² over pairs a < b from inner products ⟨x_a, x_b⟩.

    Zero for a single x.
    """
    own_K = gram_KK.diagonal()
    distance_KK = own_K[:, None] + own_K[None, :] - 2 * gram_KK
    pairs = len(gram_KK) * (len(gram_KK) - 1)
    return distance_KK.sum() / max(1, pairs)

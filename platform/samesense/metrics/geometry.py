"""How unit vectors lie on the sphere: alignment and uniformity of Wang & Isola (ICML 2020).

Shapes: B items, D width, G groups, R rows of one piece.
"""

import math

import torch
from torch import Tensor

ROWS_AT_ONCE = 64
"""Bounds the memory of pairwise distances."""


def alignment(z_BD: Tensor, *, concept_B: Tensor, domain_B: Tensor) -> float | None:
    """Return how far positives are apart: mean ‖z_i − z_j‖² over pairs of one concept and two
    domains; from 0 (they coincide) to 4 (opposite). ``None`` where there is no such pair.

    ``z_BD`` are unit vectors, so that the sum over the P ordered pairs is 2P − 2 Σ z_i · z_j, and
    Σ z_i · z_j = Σ_c ‖Σ_{i in c} z_i‖² − Σ_{c,d} ‖Σ_{i in c,d} z_i‖².
    """
    cell_B = concept_B * (domain_B.max() + 1) + domain_B
    concepts_squared, concept_pairs = _group_sums(z_BD, concept_B)
    cells_squared, cell_pairs = _group_sums(z_BD, cell_B)
    pairs = concept_pairs - cell_pairs
    if pairs == 0:
        return None
    return max(0.0, 2 - 2 * (concepts_squared - cells_squared) / pairs)


def uniformity(z_BD: Tensor, *, t: float = 2.0) -> float | None:
    """Return log mean_{i≠j} exp(−t ‖z_i − z_j‖²) of unit vectors; lower is more evenly spread.

    From 0 (all in one point) down to −4t at the least; ``None`` for fewer than two vectors.
    """
    count = len(z_BD)
    if count < 2:
        return None
    total = 0.0
    for start in range(0, count, ROWS_AT_ONCE):
        cosine_RB = z_BD[start : start + ROWS_AT_ONCE] @ z_BD.T
        kernel_RB = cosine_RB.sub_(1).mul_(2 * t).exp_()
        kernel_RB.diagonal(offset=start).zero_()
        total += float(kernel_RB.sum())
    return math.log(total / (count * (count - 1)))


def _group_sums(z_BD: Tensor, group_B: Tensor) -> tuple[float, int]:
    """Return Σ_g ‖Σ_{i in g} z_i‖² and Σ_g n_g², over groups of equal labels."""
    _, group_index_B, count_G = torch.unique(group_B, return_inverse=True, return_counts=True)
    sum_GD = z_BD.new_zeros(len(count_G), z_BD.shape[1]).index_add_(0, group_index_B, z_BD)
    return float(sum_GD.square().sum()), int(count_G.square().sum())

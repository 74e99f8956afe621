"""Keep what the frozen backbone knows, where it is worth keeping.

Shapes: B items, D width.
"""

from torch import Tensor


def miro(z_BD: Tensor, *, h_BD: Tensor, variance_D: Tensor) -> Tensor:
    """Return the scalar loss over unit vectors; no gradient flows into ``h_BD``.

    L = ½ mean_{i,k} ( D (z_ik − h_ik)² / σ²_k + log σ²_k ): a variational bound on the information
    that the aligned vector keeps of the frozen one, with a learned variance for every entry, so
    that entries that have to change may. D brings the entries of unit vectors to order one.

    Source: Cha et al. 2022, "Domain Generalization by Mutual-Information Regularization with
    Pre-trained Models", arXiv 2203.10789, for the last layer.
    """
    squared_BD = (z_BD - h_BD.detach()).square() * z_BD.shape[1]
    return (squared_BD / variance_D + variance_D.log()).mean() / 2

"""Classification by cosine: empirical risk minimisation, and the critic of domains.

Shapes: B items, D width, C classes.
"""

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(
    z_BD: Tensor, *, classes_CD: Tensor, label_B: Tensor, temperature: float | Tensor
) -> Tensor:
    """Return −1/|B| Σ_i log softmax_k( z_i·w_k/τ )_{y_i} over unit vectors and unit rows w_k.

    With learned rows for concepts it is ERM, the baseline that domain generalisation finds hard to
    beat (Gulrajani and Lopez-Paz 2021, arXiv 2007.01434); with the names of the concepts it is
    contrast with the text as the single anchor; with rows for domains behind a gradient reversal it
    is DANN (Ganin et al. 2016, arXiv 1505.07818).
    """
    return F.cross_entropy(z_BD @ classes_CD.T / temperature, label_B)

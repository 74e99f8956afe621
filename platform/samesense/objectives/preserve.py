"""Stay near the frozen backbone, for the sake of concepts that training never shows.

Shapes: B items, D width.
"""

import torch.nn.functional as F
from torch import Tensor


def preserve(z_BD: Tensor, *, h_BD: Tensor) -> Tensor:
    """Return the mean of 1 − cos(z_i, h_i); no gradient flows into ``h_BD``."""
    return (1 - F.cosine_similarity(z_BD, h_BD.detach(), dim=1)).mean()

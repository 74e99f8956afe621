"""ArcFace, a control: classification with a margin between the angles.

Shapes: B items, D width, C classes.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST_SQUARED_SINE = 1e-6
"""Where the angle is 0 or π, the slope of the sine would be infinite."""


def arcface(
    z_BD: Tensor, *, classes_CD: Tensor, label_B: Tensor, temperature: float, margin: float
) -> Tensor:
    """Return the cross-entropy of cosines over τ, where the own class's is cos(θ + m).

    Past θ = π − m, where cos(θ + m) would rise again, it goes on as cos θ − m sin m.

    Source: Deng et al. 2019, "ArcFace", arXiv 1801.07698; its scale s is 1/τ.
    """
    cosine_BC = z_BD @ classes_CD.T
    own_B = cosine_BC.gather(1, label_B[:, None])[:, 0]
    sine_B = (1 - own_B.square()).clamp(min=SMALLEST_SQUARED_SINE).sqrt()
    turned_B = own_B * math.cos(margin) - sine_B * math.sin(margin)
    falling_B = own_B - margin * math.sin(margin)
    own_B = torch.where(own_B > math.cos(math.pi - margin), turned_B, falling_B)
    logits_BC = cosine_BC.scatter(1, label_B[:, None], own_B[:, None]) / temperature
    return F.cross_entropy(logits_BC, label_B)

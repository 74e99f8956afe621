"""Within a concept, no domain lies off its own way.

Shapes: B items, D width, C concepts, K domains.
"""

import torch
from torch import Tensor

from samesense.objectives.groups import averaging


def style(
    z_BD: Tensor, *, concept_B: Tensor, domain_B: Tensor, second_moments: float = 0.0
) -> Tensor:
    """Return the scalar loss over unit vectors; zero for a batch of one domain.

    L = 1/K Σ_d ‖ mean_{i∈d} r_i ‖² + β/K Σ_d ‖ S_d − S̄ ‖²_F, where r_i = z_i − m_{y_i} is what is
    left of an item without the mean of its concept in the batch, S_d = mean_{i∈d} r_i r_iᵀ, S̄ the
    mean of all S_d, and β is ``second_moments``.

    It is CORAL (Sun and Saenko 2016, arXiv 1607.01719) under the condition of the concept: domains
    that show other concepts are not pulled together for it.
    """
    concepts_CB = averaging(concept_B, like=z_BD)
    domains_KB = averaging(domain_B, like=z_BD)
    concept_of_B = torch.unique(concept_B, return_inverse=True)[1]
    r_BD = z_BD - (concepts_CB @ z_BD)[concept_of_B]
    first = (domains_KB @ r_BD).square().sum(dim=1).mean()
    if second_moments == 0:
        return first
    gram_KK = domains_KB @ (r_BD @ r_BD.T).square() @ domains_KB.T
    return first + second_moments * (gram_KK.diagonal().mean() - gram_KK.mean())

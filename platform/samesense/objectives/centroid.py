"""Contrast with centroids, a control: the anchor is the middle of all domains.

Shapes: B items, D width, C concepts of the batch, G pairs of a concept and a domain.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from samesense.objectives.groups import averaging


def centroid(
    z_BD: Tensor, *, concept_B: Tensor, domain_B: Tensor, temperature: float | Tensor
) -> Tensor:
    """Return the scalar loss over unit vectors; zero for a batch of one concept and one item.

    With c_k the unit mean over domains of the mean of concept k in the domain:
    L = ½ ( −1/|B| Σ_i log softmax_k( z_i·c_k/τ )_{y_i}
            −1/C Σ_k 1/|B_k| Σ_{i∈B_k} log softmax_j( c_k·z_j/τ )_i ), B_k the items of concept k.

    Source: CentroBind (arXiv 2410.02086), which puts the centroid of the modalities where ImageBind
    puts a fixed one. Here domains stand for modalities, and the items of a concept for the pair.
    """
    cell_B = concept_B * (domain_B.max() + 1) + domain_B
    concept_G = torch.unique(cell_B) // (domain_B.max() + 1)
    means_GD = averaging(cell_B, like=z_BD) @ z_BD
    c_CD = F.normalize(averaging(concept_G, like=z_BD) @ means_GD, dim=1)
    logits_BC = z_BD @ c_CD.T / temperature
    concept_of_B = torch.unique(concept_B, return_inverse=True)[1]
    to_centroids = F.cross_entropy(logits_BC, concept_of_B)
    to_items = F.cross_entropy(logits_BC.T, averaging(concept_B, like=z_BD))
    return (to_centroids + to_items) / 2

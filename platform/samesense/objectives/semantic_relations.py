"""An image stands to the names of all concepts as the name of its own does.

Shapes: B items, D width, C concepts.
"""

import torch.nn.functional as F
from torch import Tensor


def semantic_relations(
    z_BD: Tensor,
    *,
    t_CD: Tensor,
    concept_B: Tensor,
    variant: str = "relations",
    temperature: float = 0.05,
    margin: float = 0.3,
) -> Tensor:
    """Return the scalar loss over unit vectors; row k of ``t_CD`` is the concept with label k.

    ``relations``: mean_i KL( softmax_k(t_{y_i}·t_k/τ) ‖ softmax_k(z_i·t_k/τ) ). What is near in
    words stays near in images, which carries over to concepts that training does not show (as the
    semantic neighbourhood of SnMpNet, Paul et al. 2021, arXiv 2108.08356). The relations of the
    names are a target: no gradient flows into them.
    ``hard``: −mean_i log softmax_k(z_i·t_k/τ)_{y_i}, without the relations.
    ``margin``: the same with logits (z_i − λ t_{y_i})·t_k/τ, λ = ``margin``, so that distant names
    keep the larger margin (CLIPood, Shu et al. 2023, arXiv 2302.00864).
    """
    logits_BC = z_BD @ t_CD.T / temperature
    if variant == "hard":
        return F.cross_entropy(logits_BC, concept_B)
    names_CD = t_CD.detach()
    related_BC = (names_CD @ names_CD.T / temperature)[concept_B]
    if variant == "margin":
        return F.cross_entropy(logits_BC - margin * related_BC, concept_B)
    return F.kl_div(
        F.log_softmax(logits_BC, dim=1),
        F.log_softmax(related_BC, dim=1),
        log_target=True,
        reduction="batchmean",
    )

"""The encoder as training sees it: from a batch to named tensors, and from those to the loss.

Shapes: B items of this rank, C concepts, D width.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from samesense.encoder.encoder import Encoder
from samesense.objectives.build import compute
from samesense.objectives.gather import gather_rows
from samesense.recipe.options import StageOptions
from samesense.training.measure import term_names
from samesense.training.schedule import loss_weight
from samesense.training.sources import Source


class ViewsModule(nn.Module):
    """Computes a stage's views of one rank's share of a batch, and what its losses read besides."""

    def __init__(
        self, encoder: Encoder, *, sources: Mapping[str, Source], concepts: Mapping[str, Any]
    ) -> None:
        """``concepts`` holds, by the key of their source, the same inputs for every batch."""
        super().__init__()
        self.encoder = encoder
        self.sources = sources
        self.concepts = concepts
        self.of_items = {name for name, s in sources.items() if s.modality != "concept"}

    def forward(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return view → unit vectors (B, D) or (C, D), and the learned tensors, in float32.

        The views in ``of_items`` have a row for every item; all else is the same for any batch.
        """
        inputs = {**self.concepts, **inputs}
        tower_vectors: dict[str, Tensor] = {}
        tensors: dict[str, Tensor] = {}
        for view, source in self.sources.items():
            if source.key not in tower_vectors:
                tower_vectors[source.key] = self._tower_vectors(view, source, inputs[source.key])
            h_BD = tower_vectors[source.key]
            tensors[view] = self.encoder.after_tower(view, h_BD=h_BD).float()
        return tensors | self.encoder.learned()

    def _tower_vectors(self, view: str, source: Source, given: Any) -> Tensor:
        weight = next(p for p in self.encoder.parameters() if p.requires_grad)
        if source.kind == "cached":
            cached_BD: Tensor = given.to(weight.device, weight.dtype)
            return cached_BD
        return self.encoder.tower_vectors(view, inputs=given).to(weight.dtype)


def total_loss(
    tensors: Mapping[str, Tensor],
    *,
    concept_B: Tensor,
    domain_B: Tensor,
    stage: StageOptions,
    step: int,
) -> tuple[Tensor, dict[str, float]]:
    """Return the weighted sum of the stage's losses over the batch of all ranks, and each term.

    Every rank computes the same value; see ``objectives.gather`` for why the gradient is right.
    What is the same on all ranks (concepts, prototypes, temperatures) is not gathered.
    """
    of_items = {
        loss.on[role]
        for loss in stage.losses
        for role, takes in loss.roles.items()
        if takes == "items"
    }
    whole = {name: gather_rows(t) if name in of_items else t for name, t in tensors.items()}
    device = next(iter(whole.values())).device
    concept_B = gather_rows(concept_B.to(device))
    domain_B = gather_rows(domain_B.to(device))
    total = torch.zeros((), device=device)
    terms: dict[str, float] = {}
    for name, loss in zip(term_names(stage.losses), stage.losses, strict=True):
        value = compute(loss, tensors=whole, concept_B=concept_B, domain_B=domain_B)
        total = total + loss_weight(loss, step=step, steps=stage.steps) * value
        terms[name] = float(value.detach())
    return total, terms

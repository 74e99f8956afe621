from typing import Any

import pytest
import torch
import torch.nn.functional as F

from samesense.objectives import anchors
from samesense.objectives.multi_positive import multi_positive

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "other domains only": {"own_domain": "leave_out"},
    "a margin": {"false_negative_margin": 0.1},
    "one anchor": {"anchor": 1},
}


def loss_and_gradient(**options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(23, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x.requires_grad_()
    concept, domain = torch.arange(23) % 4, torch.arange(23) % 3
    loss = multi_positive(
        F.normalize(x, dim=1), concept_B=concept, domain_B=domain, temperature=0.1, **options
    )
    (gradient,) = torch.autograd.grad(loss, x)
    return loss, gradient


@pytest.mark.parametrize("name", VARIANTS)
def test_blocks_of_anchors_add_up_to_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = loss_and_gradient(**VARIANTS[name])
    monkeypatch.setattr(anchors, "PAIRS_AT_ONCE", 5 * 23)
    for in_blocks, at_once in zip(loss_and_gradient(**VARIANTS[name]), whole, strict=True):
        torch.testing.assert_close(in_blocks, at_once, rtol=1e-12, atol=1e-12)


def test_a_pair_of_items_is_in_memory_only_within_its_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(anchors, "PAIRS_AT_ONCE", 4 * 64)
    z = F.normalize(torch.randn(64, 8), dim=1).requires_grad_()
    kept: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        multi_positive(
            z, concept_B=torch.arange(64) % 4, domain_B=torch.arange(64) % 3, temperature=0.1
        )
    assert max(kept, default=0) < 64 * 64

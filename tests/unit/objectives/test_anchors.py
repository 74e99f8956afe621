from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from samesense.objectives import anchors
from samesense.objectives.multi_positive import multi_positive
from samesense.objectives.supcon import supcon

LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "plain": multi_positive,
    "other domains only": partial(multi_positive, own_domain="leave_out"),
    "a margin": partial(multi_positive, false_negative_margin=0.1),
    "one anchor": partial(multi_positive, anchor=1),
    "without domains": lambda z, domain_B, **told: supcon(z, **told),
}


def loss_and_gradients(loss: Callable[..., torch.Tensor]) -> tuple[torch.Tensor, ...]:
    x = torch.randn(23, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    temperature = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    value = loss(
        F.normalize(x.requires_grad_(), dim=1),
        concept_B=torch.arange(23) % 4,
        domain_B=torch.arange(23) % 3,
        temperature=temperature,
    )
    return value, *torch.autograd.grad(value, (x, temperature))


@pytest.mark.parametrize("name", LOSSES)
def test_blocks_of_anchors_add_up_to_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = loss_and_gradients(LOSSES[name])
    monkeypatch.setattr(anchors, "PAIRS_AT_ONCE", 5 * 23)
    for in_blocks, at_once in zip(loss_and_gradients(LOSSES[name]), whole, strict=True):
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

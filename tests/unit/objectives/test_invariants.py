"""What holds for every loss, whatever its formula."""

import pytest
import torch
import torch.nn.functional as F

from samesense.core.errors import ConfigError
from samesense.objectives.build import compute
from samesense.objectives.options import Loss
from tests.unit.objectives.every_loss import LOSSES, OF_ITEMS, Played, batch, build

every_loss = pytest.mark.parametrize("loss", [build(name) for name in LOSSES], ids=LOSSES)


def value(
    loss: Loss, tensors: dict[str, torch.Tensor], order: torch.Tensor | None = None
) -> torch.Tensor:
    _, concept, domain = batch()
    order = torch.arange(8) if order is None else order
    ordered = {n: t[order] if n in OF_ITEMS else t for n, t in tensors.items()}
    return compute(loss, tensors=ordered, concept_B=concept[order], domain_B=domain[order])


@every_loss
def test_the_order_of_the_batch_does_not_matter(loss: Loss) -> None:
    tensors = Played().double()(batch()[0])
    shuffled = torch.tensor([3, 7, 0, 5, 1, 6, 2, 4])
    torch.testing.assert_close(value(loss, tensors, shuffled), value(loss, tensors))


@every_loss
def test_single_precision_is_enough(loss: Loss) -> None:
    played, x = Played(), batch()[0]
    single = value(loss, played(x.float()))
    double = value(loss, played.double()(x))
    assert single.item() == pytest.approx(double.item(), rel=1e-4, abs=1e-5)


@every_loss
def test_the_gradient_is_that_of_the_value(loss: Loss) -> None:
    tensors = {n: t.detach() for n, t in Played().double()(batch()[0]).items()}

    def of(z: torch.Tensor) -> torch.Tensor:
        return value(loss, tensors | {"image": z})

    z = tensors["image"].clone().requires_grad_()
    assert torch.autograd.gradcheck(of, (z,), atol=1e-5)
    assert torch.autograd.grad(of(z), z)[0].abs().max() > 1e-6


@every_loss
def test_what_is_learned_for_a_loss_gets_its_gradient(loss: Loss) -> None:
    learned = set(loss.on.values()) & {"concepts", "domains", "variances", "temperature"}
    played = Played().double()
    value(loss, played(batch()[0])).backward()
    reached = {n for n, p in played.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached == learned | {"linear.weight", "linear.bias"}


@every_loss
def test_a_collapsed_batch_gives_finite_values_and_gradients(loss: Loss) -> None:
    """All vectors and classes at one point, and at a cold temperature."""
    point = F.normalize(torch.ones(1, 4), dim=1)
    tensors = {
        name: point.repeat(len(t), 1) if t.dim() == 2 else t.detach()
        for name, t in Played()(batch()[0].float()).items()
    } | {"temperature": torch.tensor(0.01)}
    for tensor in tensors.values():
        tensor.requires_grad_()
    found = value(loss, tensors)
    found.backward()
    assert torch.isfinite(found)
    gradients = [t.grad for t in tensors.values() if t.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_an_anchor_that_is_still_a_name_is_refused() -> None:
    loss = build("multi_positive", anchor="photo")
    with pytest.raises(ConfigError, match="'photo' has not been numbered"):
        value(loss, Played().double()(batch()[0]))

"""Losses against names, classes and frozen vectors, with values worked out by hand."""

import math

import pytest
import torch
import torch.nn.functional as F

from samesense.objectives.arcface import arcface
from samesense.objectives.cross_entropy import cross_entropy
from samesense.objectives.miro import miro
from samesense.objectives.semantic_relations import semantic_relations

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]
NAMES = torch.tensor([EAST, NORTH])


def at(degrees: float) -> torch.Tensor:
    """A vector so far from the first class of ``CLASSES``, and at right angles to the second."""
    angle = math.radians(degrees)
    return torch.tensor([[math.cos(angle), math.sin(angle), 0]], dtype=torch.float64)


CLASSES = torch.tensor([[1.0, 0, 0], [0, 0, 1]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        # q = softmax(1, 0), p = softmax(0, 1): every logarithm of a ratio is ±1.
        ("relations", (math.e - 1) / (math.e + 1)),
        ("hard", math.log(1 + math.e)),
        # The logits are 0 − ½ and 1.
        ("margin", math.log(1 + math.exp(1.5))),
    ],
)
def test_relations_of_a_vector_at_the_wrong_name(variant: str, expected: float) -> None:
    loss = semantic_relations(
        torch.tensor([NORTH]),
        t_CD=NAMES,
        concept_B=torch.tensor([0]),
        variant=variant,
        temperature=1.0,
        margin=0.5,
    )
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_a_vector_at_its_name_stands_in_its_relations() -> None:
    names = F.normalize(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    concept = torch.tensor([4, 0, 2])
    loss = semantic_relations(names[concept], t_CD=names, concept_B=concept, temperature=0.05)
    assert loss.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("variant", ["relations", "margin"])
def test_relations_of_names_are_a_target_and_learn_nothing(variant: str) -> None:
    generator = torch.Generator().manual_seed(1)
    z = F.normalize(torch.randn(6, 3, generator=generator, dtype=torch.float64), dim=1)
    names = F.normalize(torch.randn(4, 3, generator=generator, dtype=torch.float64), dim=1)
    concept = torch.tensor([0, 1, 2, 3, 0, 1])

    def gradient(learned: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logits, related = z @ learned.T / 0.2, (target @ target.T / 0.2)[concept]
        if variant == "margin":
            loss = F.cross_entropy(logits - 0.3 * related, concept)
        else:
            q, p = related.softmax(dim=1), logits.softmax(dim=1)
            loss = (q * (q / p).log()).sum() / len(z)
        return torch.autograd.grad(loss, learned)[0]

    t = names.clone().requires_grad_()
    kwargs = {"concept_B": concept, "variant": variant, "temperature": 0.2}
    semantic_relations(z, t_CD=t, **kwargs).backward()
    torch.testing.assert_close(t.grad, gradient(names.clone().requires_grad_(), names))


def test_miro_by_hand() -> None:
    z = torch.tensor([EAST], requires_grad=True)
    h = torch.tensor([NORTH], requires_grad=True)
    variance = torch.tensor([1.0, math.e], requires_grad=True)
    loss = miro(z, h_BD=h, variance_D=variance)
    loss.backward()
    # Both entries differ by 1, times the width 2.
    assert loss.item() == pytest.approx(((2 + 0) + (2 / math.e + 1)) / 2 / 2, rel=1e-6)
    assert h.grad is None
    # d/dσ² of (x/σ² + log σ²)/4: where the entry differs more than its variance, it should grow.
    assert variance.grad.tolist() == pytest.approx(
        [(-2 + 1) / 4, (-2 / math.e**2 + 1 / math.e) / 4], rel=1e-5
    )


def test_cross_entropy_by_hand() -> None:
    loss = cross_entropy(
        torch.tensor([EAST, EAST]),
        classes_CD=torch.tensor([EAST, NORTH, [-1.0, 0.0]]),
        label_B=torch.tensor([0, 2]),
        temperature=0.5,
    )
    total = math.exp(2) + 1 + math.exp(-2)
    expected = -(math.log(math.exp(2) / total) + math.log(math.exp(-2) / total)) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def arcface_at(degrees: float, margin: float = 0.3) -> float:
    loss = arcface(
        at(degrees),
        classes_CD=CLASSES,
        label_B=torch.tensor([0]),
        temperature=0.5,
        margin=margin,
    )
    return loss.item()


def test_arcface_adds_its_margin_to_the_angle() -> None:
    own = math.cos(math.radians(60) + 0.3)
    assert arcface_at(60) == pytest.approx(math.log(1 + math.exp(-own / 0.5)), rel=1e-6)
    plain = cross_entropy(at(60), classes_CD=CLASSES, label_B=torch.tensor([0]), temperature=0.5)
    assert arcface_at(60, margin=0.0) == pytest.approx(plain.item(), rel=1e-6)


def test_arcface_grows_with_the_angle_also_past_the_turn() -> None:
    losses = [arcface_at(degrees) for degrees in (0, 45, 90, 135, 160, 165, 170, 179)]
    assert losses == sorted(losses)
    own = math.cos(math.radians(170)) - 0.3 * math.sin(0.3)
    assert losses[6] == pytest.approx(math.log(1 + math.exp(-own / 0.5)), rel=1e-6)


@pytest.mark.parametrize("degrees", [0.0, 180.0])
def test_arcface_has_a_finite_slope_at_its_corners(degrees: float) -> None:
    z = at(degrees).requires_grad_()
    arcface(
        z, classes_CD=CLASSES, label_B=torch.tensor([0]), temperature=1 / 30, margin=0.3
    ).backward()
    assert torch.isfinite(z.grad).all()
    assert z.grad.any()

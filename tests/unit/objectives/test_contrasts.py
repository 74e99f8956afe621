"""Contrastive controls against values worked out by hand."""

import math

import pytest
import torch

from samesense.objectives.centroid import centroid
from samesense.objectives.multi_positive import multi_positive
from samesense.objectives.supcon import supcon

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def labels(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def test_plain_contrast_keeps_the_other_positives_in_the_denominator() -> None:
    z = torch.tensor([EAST, EAST, EAST, NORTH])
    loss = supcon(z, concept_B=labels(0, 0, 0, 1), temperature=1.0)
    # Three anchors with s = 1, 1 and 0; the fourth has no positive and adds nothing.
    assert loss.item() == pytest.approx(3 / 4 * -math.log(math.e / (2 * math.e + 1)), rel=1e-6)


def test_plain_contrast_without_positives_is_zero_and_has_a_gradient() -> None:
    z = torch.eye(3, requires_grad=True)
    loss = supcon(z, concept_B=labels(0, 1, 2), temperature=0.05)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(z.grad).all()


def test_centroids_of_two_concepts_by_hand() -> None:
    z = torch.tensor([EAST, EAST, NORTH, NORTH])
    loss = centroid(z, concept_B=labels(0, 0, 5, 5), domain_B=labels(0, 1, 0, 1), temperature=1.0)
    to_centroids = -math.log(math.e / (math.e + 1))
    to_items = -math.log(math.e / (2 * math.e + 2))
    assert loss.item() == pytest.approx((to_centroids + to_items) / 2, rel=1e-6)


def test_a_centroid_is_the_middle_of_domains_not_of_items() -> None:
    z = torch.tensor([EAST, EAST, EAST, NORTH])
    loss = centroid(z, concept_B=labels(0, 0, 0, 0), domain_B=labels(0, 0, 0, 1), temperature=0.1)
    # The centroid lies at 45°, equally far from all four; one concept has nothing to be told from.
    assert loss.item() == pytest.approx((0 + math.log(4)) / 2, rel=1e-5)


def test_a_centroid_of_opposite_vectors_leaves_a_finite_gradient() -> None:
    z = torch.tensor([EAST, [-1.0, 0.0]], requires_grad=True)
    centroid(z, concept_B=labels(0, 0), domain_B=labels(0, 1), temperature=0.1).backward()
    assert torch.isfinite(z.grad).all()


def test_a_single_anchor_is_contrasted_with_and_contrasts_nothing_itself() -> None:
    z = torch.tensor([EAST, NORTH, EAST, EAST], requires_grad=True)
    loss = multi_positive(
        z,
        concept_B=labels(0, 1, 0, 1),
        domain_B=labels(7, 7, 1, 2),
        temperature=1.0,
        anchor=7,
    )
    # Anchors are the last two; against the first two one is right and the other wrong.
    right, wrong = -math.log(math.e / (math.e + 1)), -math.log(1 / (math.e + 1))
    assert loss.item() == pytest.approx((right + wrong) / 2, rel=1e-6)


def test_items_outside_of_the_anchor_do_not_see_each_other() -> None:
    z = torch.tensor([EAST, NORTH, EAST, [0.6, 0.8]])
    kwargs = {"concept_B": labels(0, 1, 0, 0), "domain_B": labels(0, 0, 1, 2), "temperature": 0.5}
    both = multi_positive(z, **kwargs, anchor=0)
    apart = [
        multi_positive(
            z[[0, 1, i]],
            concept_B=kwargs["concept_B"][[0, 1, i]],
            domain_B=kwargs["domain_B"][[0, 1, i]],
            temperature=0.5,
            anchor=0,
        )
        for i in (2, 3)
    ]
    assert both.item() == pytest.approx(sum(a.item() for a in apart) / 2, rel=1e-6)
    assert both.item() != pytest.approx(multi_positive(z, **kwargs).item(), rel=1e-2)


def test_a_batch_without_the_anchor_domain_is_zero_and_has_a_gradient() -> None:
    z = torch.eye(2, requires_grad=True)
    loss = multi_positive(
        z, concept_B=labels(0, 0), domain_B=labels(0, 1), temperature=0.1, anchor=2
    )
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(z.grad).all()

"""Alignment and uniformity against values worked out by hand and against the definition."""

import math
from itertools import permutations

import pytest
import torch
import torch.nn.functional as F

from samesense.metrics import geometry
from samesense.metrics.geometry import alignment, uniformity

NORTH, EAST, SOUTH = [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]


def test_by_hand() -> None:
    # Concept 0 is north and east in domain 0, south in domain 1: squared distances 4 and 2.
    # Concept 1 lies in one domain alone and has no pair.
    z_BD = torch.tensor([NORTH, EAST, SOUTH, NORTH])
    labels = {
        "concept_B": torch.tensor([0, 0, 0, 1]),
        "domain_B": torch.tensor([0, 0, 1, 1]),
    }
    assert alignment(z_BD, **labels) == pytest.approx((4 + 2) / 2)
    # Six pairs: N-E 2, N-S 4, N-N 0, E-S 2, E-N 2, S-N 4.
    mean = (3 * math.exp(-4) + 2 * math.exp(-8) + 1) / 6
    assert uniformity(z_BD) == pytest.approx(math.log(mean), rel=1e-5)


def test_one_point_is_the_end_of_both_scales() -> None:
    z_BD = torch.tensor([NORTH] * 4)
    labels = {"concept_B": torch.zeros(4, dtype=torch.long), "domain_B": torch.arange(4)}
    assert alignment(z_BD, **labels) == pytest.approx(0, abs=1e-6)
    assert uniformity(z_BD) == pytest.approx(0, abs=1e-6)
    assert uniformity(torch.tensor([NORTH, SOUTH])) == pytest.approx(-8, rel=1e-5)


def test_what_is_not_defined_is_none() -> None:
    z_BD = torch.tensor([NORTH, EAST])
    one_domain = torch.tensor([0, 0])
    assert alignment(z_BD, concept_B=torch.tensor([0, 0]), domain_B=one_domain) is None
    assert alignment(z_BD, concept_B=torch.tensor([0, 1]), domain_B=torch.tensor([0, 1])) is None
    assert uniformity(z_BD[:1]) is None


def test_by_definition_also_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "ROWS_AT_ONCE", 7)
    generator = torch.Generator().manual_seed(0)
    z_BD = F.normalize(torch.randn(40, 5, generator=generator), dim=-1)
    concept_B = torch.randint(4, (40,), generator=generator)
    domain_B = torch.randint(3, (40,), generator=generator)
    apart, kernels = [], []
    for i, j in permutations(range(40), 2):
        squared = float((z_BD[i] - z_BD[j]).square().sum())
        kernels.append(math.exp(-2 * squared))
        if concept_B[i] == concept_B[j] and domain_B[i] != domain_B[j]:
            apart.append(squared)
    assert alignment(z_BD, concept_B=concept_B, domain_B=domain_B) == pytest.approx(
        sum(apart) / len(apart), rel=1e-4
    )
    assert uniformity(z_BD) == pytest.approx(math.log(sum(kernels) / len(kernels)), rel=1e-4)

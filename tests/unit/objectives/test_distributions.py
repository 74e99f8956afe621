"""Losses of distributions over domains against their definitions, and by hand."""

import math
from itertools import combinations

import pytest
import torch
import torch.nn.functional as F

from samesense.objectives.coral import coral
from samesense.objectives.mmd import mmd
from samesense.objectives.style import style

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def labels(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def random_batch(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(14, 5, generator=generator, dtype=torch.float64), dim=1)
    concept = torch.randint(0, 3, (14,), generator=generator) * 4
    domain = torch.randperm(14, generator=generator) % 3 + 2
    return z, concept, domain


def test_style_by_hand() -> None:
    z = torch.tensor([EAST, NORTH, EAST, EAST])
    loss = style(z, concept_B=labels(0, 0, 1, 1), domain_B=labels(0, 1, 0, 1))
    # The first concept leaves (½, −½) and (−½, ½), the second nothing; a domain's mean is half.
    assert loss.item() == pytest.approx((1 / 4) ** 2 + (1 / 4) ** 2)


def test_style_leaves_concepts_apart_that_domains_do_not_share() -> None:
    z = torch.tensor([EAST, EAST, NORTH])
    where = {"concept_B": labels(0, 0, 1), "domain_B": labels(0, 0, 1)}
    assert style(z, **where, second_moments=1.0).item() == pytest.approx(0, abs=1e-12)
    assert coral(z, domain_B=where["domain_B"]).item() == pytest.approx(2)


@pytest.mark.parametrize("seed", range(3))
def test_style_is_its_formula(seed: int) -> None:
    z, concept, domain = random_batch(seed)
    r = torch.stack([z[i] - z[concept == concept[i]].mean(dim=0) for i in range(len(z))])
    first, moments = [], []
    for d in torch.unique(domain):
        mine = r[domain == d]
        first.append(mine.mean(dim=0).square().sum())
        moments.append(mine.T @ mine / len(mine))
    mean = torch.stack(moments).mean(dim=0)
    second = torch.stack([(m - mean).square().sum() for m in moments]).mean()
    found = style(z, concept_B=concept, domain_B=domain, second_moments=0.3)
    torch.testing.assert_close(found, torch.stack(first).mean() + 0.3 * second)


def test_coral_by_hand() -> None:
    z = torch.tensor([EAST, NORTH, [0.6, 0.8], [0.6, 0.8]])
    # Means differ by (−0.1, −0.3); one covariance is ½ on and −½ off the diagonal, the other 0.
    assert coral(z, domain_B=labels(0, 0, 1, 1)).item() == pytest.approx(0.1 + 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_coral_is_its_formula(seed: int) -> None:
    z, _, domain = random_batch(seed)
    parts = [z[domain == d] for d in torch.unique(domain)]
    pairs = [
        (a.mean(dim=0) - b.mean(dim=0)).square().sum() + (a.T.cov() - b.T.cov()).square().sum()
        for a, b in combinations(parts, 2)
    ]
    torch.testing.assert_close(coral(z, domain_B=domain), torch.stack(pairs).mean())


def test_mmd_by_hand() -> None:
    z = torch.tensor([EAST, NORTH])
    loss = mmd(z, domain_B=labels(0, 1), gammas=[0.5, 1.0])
    # The squared distance is 2, so the kernels are e⁻¹ and e⁻².
    expected = 2 - 2 * (math.exp(-1) + math.exp(-2)) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_mmd_is_its_formula(seed: int) -> None:
    z, _, domain = random_batch(seed)

    def kernel(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        square = (a[:, None] - b[None, :]).square().sum(dim=2)
        return (torch.exp(-0.3 * square) + torch.exp(-3 * square)).mean() / 2

    parts = [z[domain == d] for d in torch.unique(domain)]
    pairs = [kernel(a, a) + kernel(b, b) - 2 * kernel(a, b) for a, b in combinations(parts, 2)]
    found = mmd(z, domain_B=domain, gammas=[0.3, 3.0])
    torch.testing.assert_close(found, torch.stack(pairs).mean())


def test_one_domain_and_like_domains_cost_nothing() -> None:
    z, concept, _ = random_batch(0)
    one = torch.zeros(14, dtype=torch.int64)
    twice, both = torch.cat([z, z]), torch.cat([one, one + 1])
    for x, domain in ((z, one), (twice, both)):
        assert coral(x, domain_B=domain).item() == pytest.approx(0, abs=1e-12)
        assert mmd(x, domain_B=domain, gammas=[1.0]).item() == pytest.approx(0, abs=1e-12)
        concepts = concept.repeat(len(x) // 14)
        found = style(x, concept_B=concepts, domain_B=domain, second_moments=1.0)
        assert found.item() == pytest.approx(0, abs=1e-12)

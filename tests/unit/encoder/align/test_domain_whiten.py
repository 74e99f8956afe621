"""The closed-form baseline: what it removes, what it keeps, and its whitened covariance."""

import numpy as np
import pytest
import torch

from samesense.encoder.align.domain_whiten import DomainWhiten

WIDTH = 6


def items(seed: int = 0, count: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors of three domains of unequal size, each with a shift of its own."""
    rng = np.random.default_rng(seed)
    domain = rng.choice(3, size=count, p=[0.6, 0.3, 0.1]) * 2
    h = rng.normal(size=(count, WIDTH)) + rng.normal(size=(5, WIDTH))[domain] * 3
    return torch.from_numpy(h).float(), torch.from_numpy(domain)


def fitted(variant: str = "remove", shrinkage: float = 0.1) -> DomainWhiten:
    module = DomainWhiten(width=WIDTH, variant=variant, shrinkage=shrinkage)
    h, domain = items()
    module.fit(h, domain_N=domain)
    return module


def test_it_is_the_identity_until_it_is_fitted() -> None:
    h, _ = items()
    assert torch.equal(DomainWhiten(width=WIDTH, variant="remove", shrinkage=0.1)(h), h)


def test_removal_by_hand() -> None:
    module = DomainWhiten(width=2, variant="remove", shrinkage=0.1)
    h = torch.tensor([[3.0, 0.0], [3.0, 4.0], [1.0, 2.0]])
    module.fit(h, domain_N=torch.tensor([0, 0, 1]))
    # The means (3, 2) and (1, 2) differ along x alone, and their mean has x = 2.
    expected = torch.tensor([[2.0, 0.0], [2.0, 4.0], [2.0, 2.0]])
    torch.testing.assert_close(module(h), expected)


def test_domains_get_one_mean_and_keep_all_that_is_at_right_angles_to_it() -> None:
    h, domain = items()
    z = fitted()(h)
    means = [z[domain == d].mean(dim=0) for d in (0, 2, 4)]
    torch.testing.assert_close(means[1], means[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(means[2], means[0], atol=1e-5, rtol=0)
    # Two of six directions are gone, so the rest of what differs between items is untouched.
    moved = torch.linalg.svdvals((z - h).double())
    assert (moved > 1e-3).sum() <= 3
    assert torch.linalg.matrix_rank(z - z.mean(dim=0), atol=1e-3) == WIDTH - 2


def test_every_domain_weighs_the_same() -> None:
    h, domain = items()
    often = torch.cat([h, h[domain == 0].repeat(5, 1)])
    domains = torch.cat([domain, torch.zeros(len(often) - len(h), dtype=domain.dtype)])
    module = DomainWhiten(width=WIDTH, variant="remove", shrinkage=0.1)
    module.fit(often, domain_N=domains)
    torch.testing.assert_close(module(h), fitted()(h), atol=1e-4, rtol=1e-4)


def test_whitened_vectors_have_a_unit_covariance() -> None:
    h, _ = items()
    z = fitted("pca", shrinkage=0.0)(h).detach().numpy()
    assert np.allclose(np.cov(z.T, bias=True), np.eye(WIDTH), atol=1e-4)
    assert np.allclose(z.mean(axis=0), 0, atol=1e-5)


def test_shrinkage_is_its_formula() -> None:
    h, _ = items()
    covariance = np.cov(h.numpy().T, bias=True)
    shrunk = 0.7 * covariance + 0.3 * np.trace(covariance) / WIDTH * np.eye(WIDTH)
    z = fitted("pca", shrinkage=0.3).map.numpy()
    assert np.allclose(z @ shrunk @ z, np.eye(WIDTH), atol=1e-4)


def test_fewer_items_than_entries_are_whitened_to_finite_vectors() -> None:
    h, domain = items(count=3)
    module = DomainWhiten(width=WIDTH, variant="pca", shrinkage=0.1)
    module.fit(h, domain_N=domain)
    assert torch.isfinite(module(h)).all()


@pytest.mark.parametrize("variant", ["remove", "pca"])
def test_nothing_of_it_is_trained_and_all_of_it_is_saved(variant: str) -> None:
    module = fitted(variant)
    assert list(module.parameters()) == []
    other = DomainWhiten(width=WIDTH, variant=variant, shrinkage=0.1)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(items()[0]), module(items()[0]))

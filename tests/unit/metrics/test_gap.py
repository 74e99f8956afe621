"""Distances between domains, by hand and at their ends."""

import numpy as np
import pytest

from samesense.metrics.gap import domain_cka, hubness, mean_distance, neighbour_mixing

DOMAINS = np.array(["a"] * 100 + ["b"] * 100)
LABELS = np.array([f"c{i % 10}" for i in range(200)])


def clouds(distance: float, *, seed: int = 0) -> np.ndarray:
    z = np.random.default_rng(seed).standard_normal((200, 16)).astype(np.float32)
    z[:, 0] += distance * np.where(DOMAINS == "b", 1, -1)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return z


def test_the_distance_of_means_by_hand() -> None:
    z = np.array([[0, 0], [0, 2], [3, 1], [0, 1]], np.float32)
    assert mean_distance(z, domain_N=np.array(["a", "a", "b", "c"])) == pytest.approx(
        (3 + 0 + 3) / 3
    )
    assert mean_distance(z, domain_N=np.array(["a"] * 4)) == 0


def test_domains_that_lie_together_mix_as_chance_does_and_others_not_at_all() -> None:
    assert neighbour_mixing(clouds(0), domain_N=DOMAINS) == pytest.approx(1, abs=0.08)
    assert neighbour_mixing(clouds(1000), domain_N=DOMAINS) == 0
    assert neighbour_mixing(clouds(0)[:100], domain_N=DOMAINS[:100]) == 0


def test_neighbours_are_never_the_item_itself() -> None:
    twins = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    other = np.array(["a", "b", "a", "b"])
    chance = 2 / 3
    assert neighbour_mixing(twins, domain_N=other, neighbours=1) == pytest.approx(1 / chance)


def test_a_hub_is_seen() -> None:
    ring = np.array([[np.cos(t), np.sin(t)] for t in np.arange(40) * 2 * np.pi / 40], np.float32)
    assert hubness(ring, neighbours=2) == 0
    z = np.random.default_rng(0).standard_normal((300, 64)).astype(np.float32)
    # By product, longer vectors are the neighbours of all.
    z[:5] *= 20
    assert hubness(z) > 3


def test_cka_of_equal_turned_and_unrelated_concepts() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((100, 16)).astype(np.float32)
    turned = a @ np.linalg.qr(rng.standard_normal((16, 16)))[0].astype(np.float32)
    given = {"domain_N": DOMAINS, "label_N": LABELS}
    assert domain_cka(np.concatenate([a, 3 * a + 1]), **given) == pytest.approx(1)
    assert domain_cka(np.concatenate([a, turned]), **given) == pytest.approx(1, abs=1e-4)
    apart = np.concatenate([a, rng.standard_normal((100, 16)).astype(np.float32)])
    assert domain_cka(apart, **given) < 0.8


def test_cka_needs_two_shared_concepts() -> None:
    alone = np.array([f"{d}{label}" for d, label in zip(DOMAINS, LABELS, strict=True)])
    assert domain_cka(clouds(0), domain_N=DOMAINS, label_N=alone) is None

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


def test_chance_depends_on_how_many_images_each_domain_has() -> None:
    # On a line of directions: a and a are each other's nearest, so are the third a and b.
    z = np.array([[1, 0], [0.99, 0.14], [0, 1], [0.14, 0.99]], np.float32)
    domain_N = np.array(["a", "a", "a", "b"])
    # Half of the items have a neighbour of another domain. By chance an a has one in three, and
    # the b always: (3 · 1/3 + 1) / 4.
    found = neighbour_mixing(z, domain_N=domain_N, neighbours=1)
    assert found == pytest.approx(0.5 / 0.5)


def test_hubness_by_hand() -> None:
    # At 0, 10, -15 and 25 degrees the first two are the nearest of two each: no tail to a side.
    angles = np.radians([0, 10, -15, 25])
    z = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert hubness(z, neighbours=1) == pytest.approx(0)
    # One in the middle of three that are far from each other is the nearest of all: 3, 1, 0 and 0
    # times. Mean 1, variance (4 + 0 + 1 + 1) / 4, third moment (8 + 0 - 1 - 1) / 4.
    z = np.array([[1, 0, 0], [0.5, 0.8, 0], [0.5, -0.8, 0.1], [0.5, 0, -0.9]], np.float32)
    assert hubness(z, neighbours=1) == pytest.approx(1.5 / 1.5**1.5)


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


def test_cka_by_hand() -> None:
    # Centred concept means: a (1,0), (-1,0), (0,0); b (1,0), (0,1), (-1,-1).
    a, b = [[3, 1], [1, 1], [2, 1]], [[1, 0], [0, 1], [-1, -1]]
    z = np.array(a + b, np.float32)
    domain_N, label_N = np.array(["a"] * 3 + ["b"] * 3), np.array(["x", "y", "z"] * 2)
    # XᵀY = [[1, -1], [0, 0]], XᵀX = [[2, 0], [0, 0]], YᵀY = [[2, 1], [1, 2]].
    expected = (1 + 1) / (2 * np.sqrt(4 + 1 + 1 + 4))
    assert domain_cka(z, domain_N=domain_N, label_N=label_N) == pytest.approx(expected)
    # A concept of several images counts by its mean, and one that only one domain has not at all.
    z = np.concatenate([z, [[4, 1], [2, 1], [9, 9]]]).astype(np.float32)
    more = np.array(["a", "a", "b"]), np.array(["x", "x", "only here"])
    found = domain_cka(
        z, domain_N=np.append(domain_N, more[0]), label_N=np.append(label_N, more[1])
    )
    assert found == pytest.approx(expected)


def test_cka_needs_two_shared_concepts() -> None:
    alone = np.array([f"{d}{label}" for d, label in zip(DOMAINS, LABELS, strict=True)])
    assert domain_cka(clouds(0), domain_N=DOMAINS, label_N=alone) is None

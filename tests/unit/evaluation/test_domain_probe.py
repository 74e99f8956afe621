"""The probe finds a domain that is there, none that is not, and does not count heads."""

import numpy as np
import pytest

from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols.domain_probe import domain_probe

WIDTH = 4


def embedded(z_ND: np.ndarray, *, sizes: dict[str, int]) -> Embedded:
    domains = [domain for domain, count in sizes.items() for _ in range(count)]
    rows = [
        {"uri": f"{i}", "domain": d, "label": "x", "content_hash": f"{i:064d}", "split": "query"}
        for i, d in enumerate(domains)
    ]
    return Embedded(manifest=Manifest.from_rows(rows), z_ND=z_ND.astype(np.float32))


def test_domains_that_lie_apart_are_told_whatever_the_scale() -> None:
    rng = np.random.default_rng(0)
    z_ND = rng.normal(size=(60, WIDTH))
    z_ND[30:, 0] += 20
    score = domain_probe(embedded(z_ND * 1e-4, sizes={"photo": 30, "sketch": 30}))
    assert score.accuracy == 1.0
    assert (score.n_train, score.n_test) == (30, 30)


def test_of_what_is_not_there_it_tells_no_more_than_chance() -> None:
    rng = np.random.default_rng(1)
    sizes = {"cartoon": 300, "photo": 2400, "sketch": 300}
    score = domain_probe(embedded(rng.normal(size=(3000, WIDTH)), sizes=sizes))
    # Always saying "photo" would be right for 80 % of the images, and is no better than chance.
    assert score.accuracy == pytest.approx(1 / 3, abs=0.05)

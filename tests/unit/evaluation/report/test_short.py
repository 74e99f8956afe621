"""The sentences at the top of the page, from numbers worked out by hand."""

import numpy as np
import pytest

from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.findings import Finding
from samesense.evaluation.report.facts import Facts, facts_of
from samesense.evaluation.report.report import Fold
from samesense.evaluation.report.short import in_short
from samesense.evaluation.results import Summary

DOGS, CATS = 3, 2


def finding(held_out: str, value: float, gain: float, *, p_value: float) -> Finding:
    of, by = Summary(value, 0.0, 1), Summary(gain, 0.0, 1)
    return Finding(held_out, "udcdr-clean", "gated", "mAP@200", of, 0.0, 1.0, by, p_value)


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Sketches of dogs that lie with cats before, of which one still does after."""
    concepts = np.eye(2, dtype=np.float32)
    rows, before, after = [], [], []
    for split, domain in (("query", "sketch"), ("gallery", "photo")):
        for number in range(DOGS + CATS):
            is_cat = number >= DOGS
            lost = split == "query" and not is_cat
            label = "cat" if is_cat else "dog"
            rows.append(
                {"id": f"{domain}{number}", "uri": "x", "domain": domain, "label": label}
                | {"split": split, "content_hash": f"{domain}{number}"}
            )
            before.append(concepts[int(is_cat or lost)])
            after.append(concepts[int(is_cat or (lost and number == 0))])
    manifest = Manifest.from_rows(rows)
    return facts_of(
        Fold("sketch", Embedded(manifest, np.stack(before)), Embedded(manifest, np.stack(after)))
    )


def test_failures_are_counted_and_the_most_frequent_is_named(facts: Facts) -> None:
    *_, told = in_short([], [facts])
    assert told.startswith("20% of queries have a wrong first answer (60% before).")
    assert told.endswith("The most frequent error: cat for dog (1 query).")
    assert "with 100%: the vector lies with the wrong concept" in told


def test_the_gap_and_the_asymmetry_are_told(facts: Facts) -> None:
    told = in_short([], [facts])
    assert any("a linear classifier tells the domain" in sentence for sentence in told)
    (asymmetry,) = [sentence for sentence in told if "two directions" in sentence]
    matrix = facts.after.matrix
    there, back = matrix.map_KK[0, 1], matrix.map_KK[1, 0]
    assert f"{abs(there - back):.2f} after" in asymmetry


def test_what_is_beyond_chance_is_counted_and_a_loss_named() -> None:
    found = [
        finding("sketch", 0.3, 0.1, p_value=0.001),
        finding("photo", 0.6, -0.1, p_value=0.001),
        finding("cartoon", 0.5, 0.0, p_value=0.8),
    ]
    beyond, hardest = in_short(found, [])
    assert "beyond chance in 2 of 3 comparisons" in beyond
    assert beyond.endswith("it is a loss for photo.")
    assert hardest == ("The hardest domain is sketch (mAP@200 0.300), the easiest photo (0.600).")


def test_one_held_out_domain_is_not_the_hardest() -> None:
    (only,) = in_short([finding("sketch", 0.3, 0.1, p_value=0.001)], [])
    assert "beyond chance in 1 of 1" in only


def test_without_numbers_nothing_is_said() -> None:
    assert in_short([], []) == []

"""Why a first answer is wrong: each reason on vectors laid out by hand."""

import numpy as np
import pytest

from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.failures import Failure, find_failures

Item = tuple[str, str, str, float]
"""Split, domain, concept, and the angle at which it lies on the circle, in degrees."""


def embedded(*items: Item) -> Embedded:
    manifest = Manifest.from_rows(
        [
            {"id": str(i), "uri": str(i), "domain": domain, "label": label, "split": split}
            | {"content_hash": str(i)}
            for i, (split, domain, label, _) in enumerate(items)
        ]
    )
    angles = np.radians([angle for *_, angle in items])
    return Embedded(manifest, np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))


def cosine(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


def only(*items: Item) -> Failure:
    (found,) = find_failures(embedded(("query", "sketch", "dog", 0.0), *items))
    return found


def test_the_numbers_of_a_failure_by_hand() -> None:
    found = only(
        ("gallery", "photo", "cat", 10.0),
        ("gallery", "photo", "dog", 30.0),
        ("gallery", "cartoon", "cat", 90.0),
    )
    assert (found.query, found.wrong, found.right) == (0, 0, 1)
    assert found.wrong_similarity == pytest.approx(cosine(10), abs=1e-6)
    assert found.right_similarity == pytest.approx(cosine(30), abs=1e-6)
    assert found.margin == pytest.approx(cosine(10) - cosine(30), abs=1e-6)
    # The mean of cats at 10 and 90 degrees, one of each domain, lies at 50.
    assert found.to_wrong_prototype == pytest.approx(cosine(50), abs=1e-6)
    assert found.to_own_prototype == pytest.approx(cosine(30), abs=1e-6)
    assert found.neighbours_of_domain == pytest.approx(2 / 3)
    assert found.gallery_of_domain == pytest.approx(2 / 3)


def test_a_right_answer_close_behind_is_nearly_a_tie() -> None:
    found = only(("gallery", "photo", "cat", 5.0), ("gallery", "photo", "dog", 6.0))
    assert found.reason == "tie"


def test_a_query_among_the_wrong_concept_lies_with_it() -> None:
    found = only(("gallery", "photo", "cat", 5.0), ("gallery", "photo", "dog", 60.0))
    assert found.reason == "concept"


CATS_FAR = [("gallery", "cartoon", "cat", 170.0 + i) for i in range(12)]


def test_answers_of_one_domain_beyond_its_share_are_style() -> None:
    near = [("gallery", "photo", "cat", 10.0 + i) for i in range(10)]
    dogs = [("gallery", "cartoon", "dog", 25.0)] * 12
    found = only(*near, *dogs, *CATS_FAR)
    assert found.neighbours_of_domain == 1.0
    assert found.gallery_of_domain == pytest.approx(10 / 34)
    assert found.reason == "style"


def test_a_single_picture_is_what_nothing_else_explains() -> None:
    dogs = [("gallery", "cartoon", "dog", 25.0)] * 12
    found = only(("gallery", "photo", "cat", 10.0), *dogs, *CATS_FAR)
    assert found.neighbours_of_domain == pytest.approx(0.1)
    assert found.reason == "picture"


def test_a_concept_that_the_gallery_lacks_is_told_as_absent() -> None:
    found = only(("gallery", "photo", "cat", 10.0))
    assert found.reason == "absent"
    assert (found.right, found.margin, found.to_own_prototype) == (None, None, None)


def test_the_surest_error_comes_first_and_right_answers_are_none() -> None:
    found = find_failures(
        embedded(
            ("query", "sketch", "dog", 0.0),
            ("query", "sketch", "dog", 18.0),
            ("query", "sketch", "cat", 21.0),
            ("gallery", "photo", "cat", 20.0),
            ("gallery", "photo", "dog", 80.0),
        )
    )
    assert [one.query for one in found] == [1, 0]


def test_without_queries_or_gallery_nothing_fails() -> None:
    assert find_failures(embedded(("query", "sketch", "dog", 0.0))) == []
    assert find_failures(embedded(("gallery", "photo", "dog", 0.0))) == []


def test_an_image_is_never_its_own_right_answer() -> None:
    items = embedded(("query", "sketch", "dog", 0.0), ("gallery", "photo", "dog", 0.0))
    rows = items.manifest.table.to_pylist()
    rows[1]["content_hash"] = rows[0]["content_hash"]
    assert find_failures(Embedded(Manifest.from_rows(rows), items.z_ND)) == []

"""Who is a query, who is gallery, what is counted, and that a leak is refused."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols import scores
from samesense.evaluation.protocols.dg import domain_generalisation
from samesense.evaluation.protocols.gap import domain_gap
from samesense.evaluation.protocols.matrix import source_target_matrix
from samesense.evaluation.protocols.scores import query_blocks, score
from samesense.evaluation.protocols.udcdr import udcdr
from samesense.metrics import blocked
from samesense.metrics.ranking import map_at_k


def embedded(items: int = 60, seed: int = 0) -> Embedded:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(items):
        domain = ["photo", "sketch", "cartoon"][i % 3]
        split = "query" if domain == "sketch" else ["train", "gallery"][(i // 3) % 2]
        rows.append(
            {
                "id": str(i),
                "uri": f"/x/{i}.png",
                "domain": domain,
                "label": ["dog", "cat"][int(rng.integers(2))],
                "content_hash": f"c{i}",
                "split": split,
            }
        )
    z = rng.standard_normal((items, 8)).astype(np.float32)
    return Embedded(Manifest.from_rows(rows), z / np.linalg.norm(z, axis=1, keepdims=True))


def test_udcdr_searches_the_held_out_domain_in_the_gallery_alone() -> None:
    data = embedded()
    result = udcdr(data)
    query, gallery = data.of(splits=("query",)), data.of(splits=("gallery",))
    labels_q, labels_g = query.manifest.column("label"), gallery.manifest.column("label")
    relevant = (labels_q[:, None] == labels_g[None, :]).astype(bool)
    assert (result.n_queries, result.n_gallery) == (20, len(labels_g))
    assert result.values["mAP@200"] == pytest.approx(
        map_at_k(query.z_ND @ gallery.z_ND.T, relevant, 200)
    )


def test_blocks_of_queries_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = udcdr(embedded())
    monkeypatch.setattr(blocked, "QUERIES_AT_ONCE", 7)
    monkeypatch.setattr(blocked, "GALLERY_AT_ONCE", 5)
    monkeypatch.setattr(blocked, "ENTRIES_AT_ONCE", 1)
    assert udcdr(embedded()).values == pytest.approx(whole.values)


def backwards(
    function: Callable[[range], dict[str, np.ndarray]], blocks: Sequence[range]
) -> list[dict[str, np.ndarray]]:
    """Score the last block first, as another process might."""
    return [function(block) for block in reversed(blocks)][::-1]


def test_blocks_that_others_score_are_joined_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = embedded(items=5000)
    whole = udcdr(data)
    assert query_blocks(1667, gallery=1667) == [range(0, 1667)]
    monkeypatch.setattr(scores, "PAIRS_AT_ONCE", 1)
    assert query_blocks(1667, gallery=1667) == [range(0, 1024), range(1024, 1667)]
    for each in (map, backwards):
        parted = udcdr(data, each=each)
        assert parted.values == whole.values
        for name, values_Q in whole.per_query.items():
            assert np.array_equal(parted.per_query[name], values_Q)


def test_without_queries_there_is_one_empty_block() -> None:
    assert query_blocks(0, gallery=0) == [range(0, 0)]
    nothing = embedded().of(domains=("nowhere",))
    values = score(nothing, gallery=nothing).values
    assert {"mAP@200", "Prec@200", "mAP@all", "Prec@200 ceiling"} <= values.keys()
    assert set(values.values()) == {0.0}


def test_an_image_that_was_trained_on_is_refused() -> None:
    data = embedded()
    rows = data.manifest.table.to_pylist()
    rows[1]["content_hash"] = rows[0]["content_hash"]  # a query with the bytes of a training image
    leaky = Embedded(Manifest.from_rows(rows), data.z_ND)
    with pytest.raises(CorpusError, match="trained on"):
        udcdr(leaky)


def test_a_corpus_without_queries_is_refused() -> None:
    with pytest.raises(CorpusError, match="0 queries"):
        udcdr(embedded().of(domains=("photo", "cartoon")))


def test_concepts_that_lie_apart_are_told_in_a_domain_that_was_never_seen() -> None:
    data = with_validation(embedded(items=300))
    axis = np.eye(8, dtype=np.float32)[(data.manifest.column("label") == "dog").astype(int)]
    told = domain_generalisation(Embedded(data.manifest, axis))
    assert told.values == {"accuracy, prototypes": 1, "accuracy, linear probe": 1}
    by_chance = domain_generalisation(data).values
    assert all(0.3 < value < 0.7 for value in by_chance.values())
    assert told.n_queries == 100


def test_a_prototype_is_not_the_domain_with_most_images() -> None:
    """Nine photos of a dog say one thing, one cartoon another: both count the same."""
    rows = [("photo", "dog", [1.0, 0.0, 0.0])] * 9 + [("cartoon", "dog", [0.0, 1.0, 0.0])]
    rows += [("photo", "cat", [0.0, 0.3, 0.95])] * 2
    asked = [("sketch", "dog", [0.1, 0.9, 0.4])]
    splits = ["train"] * len(rows) + ["gallery", "query"]
    items = [*rows, ("photo", "cat", [0.0, 0.0, 1.0]), *asked]
    manifest = Manifest.from_rows(
        [
            {"id": str(i), "uri": str(i), "domain": d, "label": c, "content_hash": str(i)}
            | {"split": split}
            for i, ((d, c, _), split) in enumerate(zip(items, splits, strict=True))
        ]
    )
    z = np.array([vector for _, _, vector in items], np.float32)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    assert domain_generalisation(Embedded(manifest, z)).values["accuracy, prototypes"] == 1


def test_a_concept_that_was_never_learned_is_told() -> None:
    data = with_validation(embedded())
    rows = data.manifest.table.to_pylist()
    rows[1]["label"] = "horse"  # a query
    with pytest.raises(CorpusError, match="no training domain has the concept 'horse'"):
        domain_generalisation(Embedded(Manifest.from_rows(rows), data.z_ND))
    with pytest.raises(CorpusError, match="0 to ask"):
        domain_generalisation(data.of(domains=("photo", "cartoon")))


def with_validation(data: Embedded) -> Embedded:
    rows = data.manifest.table.to_pylist()
    for place, row in enumerate(rows):
        row["split"] = "validation" if row["split"] == "gallery" and place % 2 else row["split"]
    return Embedded(Manifest.from_rows(rows), data.z_ND)


def test_the_gap_between_mixed_domains_is_small_and_between_parted_ones_is_not() -> None:
    data = embedded(items=300)
    parted = data.z_ND.copy()
    parted[data.manifest.column("domain") == "sketch", 0] += 5
    parted /= np.linalg.norm(parted, axis=1, keepdims=True)
    mixed, apart = domain_gap(data).values, domain_gap(Embedded(data.manifest, parted)).values
    assert mixed["domain mean distance"] < 0.3 < apart["domain mean distance"]
    assert mixed["neighbour mixing"] > 0.8 > apart["neighbour mixing"]
    assert apart["domain probe"] > mixed["domain probe"]


def test_a_domain_of_one_image_has_no_gap() -> None:
    data = embedded()
    keep = (data.manifest.column("domain") != "photo") | (data.manifest.column("id") == "3")
    lonely = Embedded(data.manifest.where(keep), data.z_ND[keep])
    with pytest.raises(CorpusError, match="domain 'photo' has one unseen image"):
        domain_gap(lonely)


def test_the_ceiling_counts_what_could_be_found() -> None:
    data = embedded()
    found = udcdr(data)
    labels_g = data.of(splits=("gallery",)).manifest.column("label").tolist()
    labels_q = data.of(splits=("query",)).manifest.column("label").tolist()
    expected = np.mean([labels_g.count(label) / len(labels_g) for label in labels_q])
    assert found.values["Prec@200 ceiling"] == pytest.approx(expected)
    assert found.values["Prec@200"] == pytest.approx(expected)


def test_the_matrix_of_perfect_vectors_is_one_everywhere_and_symmetric() -> None:
    data = embedded()
    axis = (data.manifest.column("label") == "dog").astype(int)
    perfect = Embedded(data.manifest, np.eye(2, dtype=np.float32)[axis])
    matrix = source_target_matrix(perfect)
    assert matrix.domains == ["cartoon", "photo", "sketch"]
    assert matrix.map_KK == pytest.approx(np.ones((3, 3)))
    assert matrix.asymmetry_KK == pytest.approx(np.zeros((3, 3)))
    assert matrix.items_K.tolist() == [10, 10, 20]


def test_on_the_diagonal_a_query_is_not_its_own_answer() -> None:
    rows = [
        {"id": str(i), "uri": str(i), "domain": "photo", "label": label, "content_hash": str(i)}
        | {"split": "gallery"}
        for i, label in enumerate(["dog", "cat"])
    ]
    alone = Embedded(Manifest.from_rows(rows), np.eye(2, dtype=np.float32))
    assert source_target_matrix(alone).map_KK[0, 0] == 0.0


def hand(gallery: list[str], *, query: str = "dog") -> dict[str, float]:
    """Search one query in a gallery that lies in this order from it."""
    labels = [query, *gallery]
    manifest = Manifest.from_rows(
        [
            {"id": str(i), "uri": str(i), "label": label, "content_hash": str(i)}
            | {"domain": "photo" if i else "sketch", "split": "gallery" if i else "query"}
            for i, label in enumerate(labels)
        ]
    )
    angles = np.linspace(0, 1, len(labels))
    z = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return udcdr(Embedded(manifest, z)).values


def test_a_gallery_smaller_than_k_is_divided_by_its_own_size() -> None:
    values = hand(["dog", "cat", "dog", "cat"])
    assert values["mAP@200"] == values["mAP@all"] == pytest.approx((1 + 2 / 3) / 2)
    for name in ("Prec@200", "Prec@100", "Prec@200 ceiling", "Prec@100 ceiling"):
        assert values[name] == pytest.approx(2 / 4)


def test_a_gallery_between_the_ks_is_cut_at_the_smaller_alone() -> None:
    values = hand(["dog"] * 30 + ["cat"] * 90 + ["dog"] * 30)
    assert values["Prec@100"] == pytest.approx(30 / 100)
    assert values["Prec@100 ceiling"] == pytest.approx(60 / 100)
    assert values["Prec@200"] == values["Prec@200 ceiling"] == pytest.approx(60 / 150)


def test_a_class_without_an_image_in_the_gallery_counts_zero_and_is_counted() -> None:
    values = hand(["dog", "cat"], query="horse")
    assert values["queries without an answer"] == 1
    assert values["mAP@200"] == values["Prec@200"] == values["Prec@200 ceiling"] == 0
    assert hand(["dog", "cat"])["queries without an answer"] == 0


def test_a_domain_of_one_image_is_one_query() -> None:
    data = embedded(items=300)
    keep = (data.manifest.column("domain") != "sketch") | (data.manifest.column("id") == "1")
    few = Embedded(data.manifest.where(keep), data.z_ND[keep])
    assert udcdr(few).n_queries == 1
    told = domain_generalisation(with_validation(few))
    assert told.n_queries == 1
    assert set(told.values.values()) <= {0.0, 1.0}
    matrix = source_target_matrix(few)
    place = matrix.domains.index("sketch")
    assert matrix.items_K[place] == 1
    assert matrix.map_KK[place, place] == 0  # nothing else is there that could answer

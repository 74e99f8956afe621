import itertools

import pytest

from samesense.index.rows import Hit
from samesense.search.merge import merge_by_score


def _hit(key: str, score: float, *, domain: str = "d") -> Hit:
    return Hit(id=key, uri=key, domain=domain, label="l", score=score, content_hash=key)


def _ids(merged: list[list[Hit]]) -> list[list[str]]:
    return [[hit.id for hit in hits] for hits in merged]


def test_domains_interleave_by_score() -> None:
    ranked = {
        "photo": [[_hit("p1", 0.9), _hit("p2", 0.5)], [_hit("p3", -0.1)]],
        "sketch": [[_hit("s1", 0.7), _hit("s2", 0.6)], []],
    }
    assert _ids(merge_by_score(ranked, limit=3)) == [["p1", "s1", "s2"], ["p3"]]


def test_ties_are_ordered_by_id_whatever_the_order_of_domains() -> None:
    ranked = {
        "a": [[_hit("3", 0.5), _hit("1", 0.5)]],
        "b": [[_hit("2", 0.5)]],
        "c": [[_hit("0", 0.4)]],
    }
    for order in itertools.permutations(ranked):
        merged = merge_by_score({domain: ranked[domain] for domain in order}, limit=10)
        assert _ids(merged) == [["1", "2", "3", "0"]]


def test_nothing_merges_to_nothing() -> None:
    assert merge_by_score({}, limit=5) == []
    assert merge_by_score({"a": [[]], "b": [[]]}, limit=5) == [[]]


def test_domains_must_answer_the_same_queries() -> None:
    with pytest.raises(ValueError, match="longer than argument"):
        merge_by_score({"a": [[]], "b": [[], []]}, limit=5)

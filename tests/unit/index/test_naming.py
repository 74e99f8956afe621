import re

import pytest

from samesense.core.errors import StoreError
from samesense.index.naming import Contents, from_properties, prefix

FINGERPRINT = "0123456789abcdef" * 4


def _contents(index: str, domain: str) -> Contents:
    return Contents(index=index, domain=domain, fingerprint=FINGERPRINT, width=8)


def test_plain_names_are_kept() -> None:
    contents = _contents("toys", "art_painting")
    assert contents.alias == "toys__art_painting"
    assert contents.name == "toys__art_painting__0123456789ab"


NAMES = [
    "a", "A", "a_b", "a__b", "_a", "a_", "a b", "a-b", "日本", "日本語", "3d", 'q"uo\'te',
    "x" * 300, "é", "e", "a/b", "x_a_b", "\u202e", "__", "a\\b",
]  # fmt: skip


def test_names_are_valid_in_milvus_and_never_clash() -> None:
    made = [_contents(index, domain) for index in NAMES for domain in NAMES]
    names = [contents.name for contents in made] + [contents.alias for contents in made]
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,254}", name) for name in names)
    assert len(set(names)) == len(names) == 2 * len(NAMES) ** 2


def test_no_index_has_the_prefix_of_another() -> None:
    prefixes = [prefix(index) for index in NAMES]
    clashes = [(a, b) for a in prefixes for b in prefixes if a != b and a.startswith(b)]
    assert clashes == []


@pytest.mark.parametrize("domain", NAMES)
def test_contents_come_back_whole_from_the_property(domain: str) -> None:
    contents = _contents("toys", domain)
    assert from_properties({"samesense": contents.to_property()}) == contents


def test_a_collection_of_others_is_none_of_ours() -> None:
    assert from_properties({"collection.ttl.seconds": "1"}) is None


@pytest.mark.parametrize(
    ("index", "domain", "fingerprint", "width"),
    [
        ("", "d", FINGERPRINT, 8),
        ("i", "", FINGERPRINT, 8),
        ("i", "d", "short", 8),
        ("i", "d", FINGERPRINT + "/", 8),
        ("i", "d", FINGERPRINT, 0),
    ],
)
def test_what_cannot_be_named_is_refused(
    index: str, domain: str, fingerprint: str, width: int
) -> None:
    with pytest.raises(StoreError):
        Contents(index=index, domain=domain, fingerprint=fingerprint, width=width)

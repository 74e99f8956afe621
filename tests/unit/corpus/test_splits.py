from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import Manifest, item_id
from samesense.corpus.splits import SplitShares, leave_domains_out

DOMAINS = ("cartoon", "photo", "sketch")


def _manifest(contents: list[tuple[str, str, str]]) -> Manifest:
    """A manifest of (domain, label, content)."""
    rows: list[dict[str, Any]] = []
    for number, (domain, label, content) in enumerate(contents):
        uri = f"/{domain}/{label}/{number}"
        key = item_id(domain=domain, uri=uri)
        row = {"id": key, "uri": uri, "domain": domain, "label": label, "content_hash": content}
        rows.append(row)
    return Manifest.from_rows(rows)


def _grid(each: int) -> Manifest:
    cells = [(domain, label) for domain in DOMAINS for label in ("cat", "dog")]
    return _manifest([(d, c, f"{d}{c}{n}") for d, c in cells for n in range(each)])


def _by_id(manifest: Manifest) -> dict[str, str]:
    return dict(zip(manifest.column("id"), manifest.column("split"), strict=True))


def test_every_cell_is_parted_by_the_shares() -> None:
    split = leave_domains_out(_grid(50), held_out=("sketch",), seed=0)
    counts = Counter(
        zip(*(split.column(name) for name in ("domain", "label", "split")), strict=True)
    )
    for domain in ("cartoon", "photo"):
        for label in ("cat", "dog"):
            parts = {
                name: counts[domain, label, name] for name in ("gallery", "validation", "train")
            }
            assert parts == {"gallery": 10, "validation": 5, "train": 35}
    assert counts["sketch", "cat", "query"] == counts["sketch", "dog", "query"] == 50


def test_several_domains_are_held_out_together() -> None:
    split = leave_domains_out(_grid(10), held_out=("sketch", "photo"), seed=0)
    assert split.of(splits=("query",)).domains == ["photo", "sketch"]
    assert split.of(splits=("train", "validation", "gallery")).domains == ["cartoon"]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {"train": 1}),
        (2, {"gallery": 1, "train": 1}),
        (3, {"gallery": 1, "validation": 1, "train": 1}),
    ],
)
def test_a_small_class_keeps_one_image_to_train_on(count: int, expected: dict[str, int]) -> None:
    contents = [("photo", "cat", str(n)) for n in range(count)] + [("sketch", "cat", "q")]
    split = leave_domains_out(_manifest(contents), held_out=("sketch",), seed=3)
    assert Counter(split.of(domains=("photo",)).column("split")) == expected


def test_the_seed_chooses_other_images() -> None:
    splits = [_by_id(leave_domains_out(_grid(50), held_out=("photo",), seed=s)) for s in (0, 0, 1)]
    assert splits[0] == splits[1]
    assert splits[0] != splits[2]


def test_a_file_that_the_held_out_domain_holds_too_is_used_for_nothing() -> None:
    contents = [("photo", "cat", str(n)) for n in range(9)] + [("sketch", "cat", "4")]
    split = leave_domains_out(_manifest(contents), held_out=("sketch",), seed=0)
    shared = split.where(split.column("content_hash") == "4")
    assert list(shared.column("split")) == ["duplicate", "query"]


@given(
    st.lists(
        st.tuples(st.sampled_from(DOMAINS), st.sampled_from("abc"), st.integers(0, 40).map(str)),
        min_size=1,
        max_size=120,
    ),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100, deadline=None)
def test_no_corpus_leaks(contents: list[tuple[str, str, str]], seed: int, random: Any) -> None:
    contents = [*contents, ("sketch", "a", "only in sketch"), ("photo", "a", "only in photo")]
    manifest = _manifest(contents)
    split = leave_domains_out(manifest, held_out=("sketch",), seed=seed)
    uses: defaultdict[str, set[str]] = defaultdict(set)
    for domain, content, name in zip(
        *(split.column(column) for column in ("domain", "content_hash", "split")), strict=True
    ):
        assert (name == "query") == (domain == "sketch")
        uses[content].add(name)
    # One use for each content; only a copy of a query lies beside it, unused.
    assert all(len(names) == 1 or names == {"query", "duplicate"} for names in uses.values())
    order = list(range(len(manifest)))
    random.shuffle(order)
    shuffled = leave_domains_out(manifest.take(np.array(order)), held_out=("sketch",), seed=seed)
    assert _by_id(shuffled) == _by_id(split)


def test_what_cannot_be_held_out_is_refused() -> None:
    manifest = _grid(3)
    with pytest.raises(CorpusError, match=r"no domain 'skech' .*Did you mean 'sketch'\?"):
        leave_domains_out(manifest, held_out=("photo", "skech"), seed=0)
    with pytest.raises(CorpusError, match="leaves no domain to train on"):
        leave_domains_out(manifest, held_out=DOMAINS, seed=0)
    with pytest.raises(CorpusError, match="leaves no domain to train on"):
        leave_domains_out(manifest.of(domains=("photo",)), held_out=("photo",), seed=0)
    with pytest.raises(CorpusError, match="no domain to hold out was named"):
        leave_domains_out(manifest, held_out=(), seed=0)


def test_domains_with_the_same_files_leave_nothing_to_train_on() -> None:
    manifest = _manifest([("photo", "cat", "same"), ("sketch", "cat", "same")])
    with pytest.raises(CorpusError, match="every other image is also in sketch"):
        leave_domains_out(manifest, held_out=("sketch",), seed=0)


def test_shares_must_leave_some_to_train_on() -> None:
    with pytest.raises(ValidationError, match="must leave a share to train on"):
        SplitShares(validation=0.5, gallery=0.5)


def test_a_split_without_held_out_classes_is_what_it_always_was() -> None:
    """Models were trained on it: the hash is that of the first release."""
    split = leave_domains_out(_grid(50), held_out=("sketch",), seed=0)
    assert split.hash == "9bdecf1a208db895503aa3da2cb45277ca8654ef7c95009791ada5ab833b2975"


def test_held_out_classes_are_learned_from_in_no_domain() -> None:
    split = leave_domains_out(_grid(10), held_out=("sketch",), held_out_classes=("dog",), seed=0)
    words: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for cell in zip(*(split.column(name) for name in ("domain", "label", "split")), strict=True):
        words[cell[:2]].add(cell[2])
    seen = {"train", "validation", "gallery"}
    assert dict(words) == {
        ("cartoon", "cat"): seen,
        ("cartoon", "dog"): {"gallery_unseen"},
        ("photo", "cat"): seen,
        ("photo", "dog"): {"gallery_unseen"},
        ("sketch", "cat"): {"query"},
        ("sketch", "dog"): {"query_unseen"},
    }


def test_seen_classes_are_parted_alike_whatever_classes_are_held_out() -> None:
    plain, other = (
        leave_domains_out(_grid(20), held_out=("photo",), held_out_classes=classes, seed=1)
        for classes in ((), ("dog",))
    )
    cats = [_by_id(split.of(labels=("cat",))) for split in (plain, other)]
    assert cats[0] == cats[1]


def test_classes_alone_can_be_held_out() -> None:
    split = leave_domains_out(_grid(4), held_out=(), held_out_classes=("cat",), seed=0)
    unseen = split.of(splits=("gallery_unseen",))
    assert (unseen.labels, unseen.domains) == (["cat"], list(DOMAINS))
    assert split.of(splits=("train",)).labels == ["dog"]


@given(
    st.lists(
        st.tuples(st.sampled_from(DOMAINS), st.sampled_from("abc"), st.integers(0, 40).map(str)),
        min_size=1,
        max_size=120,
    ),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_no_bytes_of_what_is_held_out_are_learned_from(
    contents: list[tuple[str, str, str]], domain_too: bool
) -> None:
    contents = [*contents, ("sketch", "a", "x"), ("photo", "b", "y"), ("photo", "a", "z")]
    held_out = ("sketch",) if domain_too else ()
    split = leave_domains_out(
        _manifest(contents), held_out=held_out, held_out_classes=("a",), seed=0
    )
    columns = (split.column(name) for name in ("domain", "label", "content_hash", "split"))
    rows = list(zip(*columns, strict=True))
    learned = {content for *_, content, word in rows if word in ("train", "validation")}
    held = {c for domain, label, c, _ in rows if domain in held_out or label == "a"}
    assert not learned & held
    queries = {content for *_, content, word in rows if word in ("query", "query_unseen")}
    galleries = {content for *_, content, word in rows if word in ("gallery", "gallery_unseen")}
    assert not queries & galleries


def test_classes_that_cannot_be_held_out_are_refused() -> None:
    def held(*classes: str) -> None:
        leave_domains_out(_grid(3), held_out=("photo",), held_out_classes=classes, seed=0)

    with pytest.raises(CorpusError, match=r"no class 'dgo' to hold out .*Did you mean 'dog'\?"):
        held("dgo")
    with pytest.raises(CorpusError, match="holding out all 2 classes leaves none"):
        held("cat", "dog")

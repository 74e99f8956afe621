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

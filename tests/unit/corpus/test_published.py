"""The published splits are those that the published code draws, its leak included."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import Manifest, item_id
from samesense.corpus.published import Published, draw, published_split, without_copies

DOMAINS = ("clipart", "quickdraw", "real", "sketch")
TRAIN = tuple(f"seen{number}" for number in (7, 3, 11, *range(20, 67)))  # 50, not by name
WHO = Published(
    gallery="real",
    seen="quickdraw",
    held_out="sketch",
    train=TRAIN,
    validation=("kept1", "kept0"),
    test=("new0", "new1"),
)


def corpus(each: int = 13) -> Manifest:
    rows = []
    for domain in DOMAINS:
        for label in (*TRAIN, *WHO.validation, *WHO.test):
            for number in range(each + len(label) % 3):
                uri = f"/d/{domain}/{label}/{number}.png"
                rows.append(
                    {"id": item_id(domain=domain, uri=uri), "uri": uri, "domain": domain}
                    | {"label": label, "content_hash": uri}
                )
    return Manifest.from_rows(rows[::-1])


def files(manifest: Manifest, domain: str, label: str) -> list[str]:
    return sorted(manifest.of(domains=(domain,), labels=(label,)).column("uri"))


def drawn_by_numpy(paths: list[str], share: float, seed: int) -> set[str]:
    """As the published code says it, on sorted files."""
    np.random.seed(seed)
    return set(np.random.choice(np.array(paths), int(share * len(paths)), replace=False).tolist())


def of(split: Manifest, *words: str, domain: str | None = None) -> set[str]:
    found = split.of(splits=words)
    return set((found if domain is None else found.of(domains=(domain,))).column("uri"))


@pytest.fixture(scope="module")
def split() -> Manifest:
    return published_split(corpus(), who=WHO)


def test_what_is_trained_on_is_what_the_published_code_draws(split: Manifest) -> None:
    trained, mixed = set(), set()
    for place, label in enumerate(TRAIN):
        paths = files(split, "real", label)
        first = drawn_by_numpy(paths, 0.92, place)
        trained |= first
        mixed |= set(paths) - first
    assert of(split, "train", "train_published", domain="real") == trained
    assert of(split, "gallery") == mixed
    for domain in ("clipart", "quickdraw"):
        every = {path for label in TRAIN for path in files(split, domain, label)}
        assert of(split, "train", domain=domain) == every


def test_udcdr_asks_what_the_published_code_draws_and_all_of_its_gallery_was_trained_on(
    split: Manifest,
) -> None:
    for domain, word in (("sketch", "query_published"), ("real", "train_published")):
        drawn = set()
        for place, label in enumerate(TRAIN[:45]):
            drawn |= drawn_by_numpy(files(split, domain, label), 0.25, place)
        assert of(split, word) == drawn
    first = drawn_by_numpy(files(split, "real", TRAIN[0]), 0.92, 0)
    assert drawn_by_numpy(files(split, "real", TRAIN[0]), 0.25, 0) < first


def test_quickdraw_is_drawn_a_tenth_of() -> None:
    split = published_split(corpus(), who=replace(WHO, held_out="quickdraw", seen="sketch"))
    counts = Counter(split.of(splits=("query_published",)).column("label"))
    assert set(counts) <= set(TRAIN[:45])
    assert all(count == int(0.1 * (13 + len(label) % 3)) for label, count in counts.items())


def test_held_out_classes_and_validation_are_where_the_published_code_has_them(
    split: Manifest,
) -> None:
    new = {d: {p for label in WHO.test for p in files(split, d, label)} for d in DOMAINS}
    assert of(split, "query_unseen") == new["sketch"]
    assert of(split, "gallery_unseen") == new["real"]
    assert of(split, "query_known_domain") == new["quickdraw"]
    assert new["clipart"] <= of(split, "unused")
    kept = set()
    for place, label in enumerate(WHO.validation):
        kept |= set(files(split, "real", label))
        for domain in ("clipart", "quickdraw"):
            kept |= drawn_by_numpy(files(split, domain, label), 0.3, place)
    assert of(split, "validation") == kept


def test_without_a_held_out_domain_all_of_the_gallery_is_trained_on() -> None:
    """Sketchy and TU-Berlin."""
    who = replace(WHO, held_out=None, validation=())
    split = published_split(corpus().of(domains=("quickdraw", "real")), who=who)
    assert set(split.column("split")) == {
        "train",
        "gallery_unseen",
        "query_known_domain",
        "unused",  # the classes of no list
    }
    assert len(of(split, "train", domain="real")) == sum(13 + len(c) % 3 for c in TRAIN)


def test_the_order_of_listing_has_no_say(split: Manifest) -> None:
    shuffled = np.random.default_rng(0).permutation(len(split))
    assert published_split(corpus().take(shuffled), who=WHO).hash == split.hash


def test_a_draw_is_that_of_numpys_first_generator() -> None:
    rows = np.arange(100, 137)
    np.random.seed(5)
    assert draw(rows, 0.4, seed=5).tolist() == np.random.choice(rows, 14, replace=False).tolist()


@pytest.mark.parametrize(
    ("who", "message"),
    [
        (replace(WHO, test=("new0", "seen7")), "class 'seen7' is a training class and a test"),
        (replace(WHO, train=(*TRAIN, "seen_7")), "training class 'seen_7' has no image.*'seen7'"),
        (replace(WHO, gallery="reel"), r"no domain 'reel' .*Did you mean 'real'\?"),
        (replace(WHO, seen="real"), "gallery, seen and held-out domain must differ"),
        (replace(WHO, test=()), "50 training and 0 test classes"),
    ],
)
def test_a_mislabelled_protocol_is_refused(who: Published, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        published_split(corpus(), who=who)


def test_a_domain_of_one_image_gives_no_query_and_that_is_told() -> None:
    whole = corpus()
    one = whole.where(
        (whole.column("domain") != "sketch") | (whole.column("uri") == "/d/sketch/seen7/0.png")
    )
    with pytest.raises(CorpusError, match="has no image for 'query_unseen': too few images"):
        published_split(one, who=WHO)
    few = published_split_of(each=3)
    with pytest.raises(CorpusError, match="has no image for 'query_published'"):
        published_split(few, who=WHO)


def published_split_of(*, each: int) -> Manifest:
    """So few images a class that a quarter of them is none."""
    whole = corpus()
    return whole.where(np.array([int(p[-5]) < each and p[-6] == "/" for p in whole.column("uri")]))


def test_the_clean_variant_leaves_out_what_is_a_copy_of_a_training_image() -> None:
    words = ["train", "train_published", "query_published", "gallery", "gallery", "unused"]
    contents = ["a", "b", "a", "b", "c", "a"]
    rows = [{"split": w, "content_hash": c} for w, c in zip(words, contents, strict=True)]
    cleaned = without_copies(Manifest.from_rows(rows))
    assert cleaned.column("split").tolist() == [
        "train",
        "train_published",
        "duplicate",
        "duplicate",
        "gallery",
        "unused",
    ]

"""Which images of a split are queries and which are searched, protocol by protocol."""

from collections import Counter

import pytest
from pydantic import ValidationError

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import ASKED, LEARNED_FROM, NOT_USED
from samesense.evaluation.options import EvaluateJob, Gallery, Protocol, Variant
from samesense.evaluation.protocols.asked import asked

COUNTS = {word: place + 1 for place, word in enumerate((*LEARNED_FROM, *ASKED, *NOT_USED))}


def split(*without: str) -> Manifest:
    """As many images of each word as its place says, so that a count tells which were taken."""
    words = [word for word, count in COUNTS.items() if word not in without for _ in range(count)]
    rows = [{"uri": str(n), "domain": "d", "split": word} for n, word in enumerate(words)]
    return Manifest.from_rows(rows)


def of(*words: str) -> int:
    return sum(COUNTS[word] for word in words)


EXPECTED: dict[tuple[Protocol, Variant, Gallery], tuple[int, int]] = {
    ("udcdr", "clean", "unseen"): (of("query", "query_published"), of("gallery")),
    ("udcdr", "official", "unseen"): (of("query_published"), of("train_published")),
    ("uccdr", "clean", "unseen"): (of("query_known_domain"), of("gallery_unseen")),
    ("uccdr", "official", "unseen"): (of("query_known_domain"), of("gallery_unseen")),
    ("ucdr", "clean", "unseen"): (of("query_unseen"), of("gallery_unseen")),
    ("ucdr", "clean", "mixed"): (of("query_unseen"), of("gallery_unseen", "gallery")),
    ("ucdr", "official", "mixed"): (of("query_unseen"), of("gallery_unseen", "gallery")),
    ("matrix", "clean", "unseen"): (of("query", "query_published"), of("gallery")),
}


@pytest.mark.parametrize(("protocol", "variant", "gallery"), EXPECTED)
def test_each_protocol_asks_its_own(protocol: Protocol, variant: Variant, gallery: Gallery) -> None:
    found = asked(split(), protocol=protocol, variant=variant, gallery=gallery)
    queries, searched = EXPECTED[protocol, variant, gallery]
    assert Counter(found.column("split")) == {"query": queries, "gallery": searched}


def test_classifiers_learn_from_all_that_was_trained_on() -> None:
    counts = Counter(asked(split(), protocol="dg").column("split"))
    assert counts["train"] == of("train", "train_published")
    assert counts["validation"] == of("validation")


def test_what_is_learned_from_is_asked_by_the_official_udcdr_alone() -> None:
    learned = {str(n) for n, word in enumerate(split().column("split")) if word in LEARNED_FROM}
    leaks = {
        key
        for key in EXPECTED
        if learned
        & set(asked(split(), protocol=key[0], variant=key[1], gallery=key[2]).column("uri"))
    }
    assert leaks == {("udcdr", "official", "unseen")}


@pytest.mark.parametrize(
    ("protocol", "without", "message"),
    [
        ("udcdr", ("query", "query_published"), "udcdr: 0 queries and .* trained with a domain"),
        ("ucdr", ("query_unseen",), "ucdr: 0 queries and .* a domain and classes held out"),
        ("uccdr", ("gallery_unseen",), "and 0 gallery images; .* classes held out"),
    ],
)
def test_a_split_that_lacks_what_is_asked_is_told(
    protocol: Protocol, without: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        asked(split(*without), protocol=protocol)


def test_rows_say_protocol_gallery_and_variant() -> None:
    def measure(**options: str) -> str:
        return EvaluateJob(models=("m",), corpus="c", **options).measure

    assert measure() == "udcdr-clean"
    assert measure(protocol="ucdr", gallery="mixed") == "ucdr-mixed-clean"
    assert measure(protocol="uccdr", variant="official") == "uccdr-official"
    with pytest.raises(ValidationError, match="official is of udcdr, uccdr, ucdr, not of dg"):
        measure(protocol="dg", variant="official")
    with pytest.raises(ValidationError, match="mixed is of ucdr, not of udcdr"):
        measure(gallery="mixed")

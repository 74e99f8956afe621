"""Who may be learned from: the split is made before anything looks at an image."""

import math
from collections import defaultdict
from collections.abc import Sequence

from pydantic import Field, model_validator

from samesense.core.errors import CorpusError, blame, did_you_mean
from samesense.core.hashing import hash_bytes
from samesense.core.options import Options
from samesense.corpus.manifest import Manifest

SPLITS_FILE = "manifest.parquet"
"""Where a run keeps its manifest, which says what each image was used for."""

LEARNED_FROM = ("train", "validation", "train_published")
"""Splits that a training sees. ``train_published``: the published UdCDR asks it all the same."""
ASKED = (
    "query",
    "gallery",
    "query_unseen",
    "gallery_unseen",
    "query_known_domain",
    "query_published",
)
"""Splits that an evaluation may ask of. ``_unseen``: of a held-out class. ``query_known_domain``:
of a held-out class too, but in a training domain that is not searched. ``query_published``: that
part of ``query`` which the published UdCDR draws."""
NOT_USED = ("duplicate", "unused")


class SplitShares(Options):
    """Shares of each concept in each training domain that are not trained on."""

    validation: float = Field(default=0.1, ge=0, lt=1)
    """Share that chooses among weights."""
    gallery: float = Field(default=0.2, gt=0, lt=1)
    """Share that held-out queries are searched in."""

    @model_validator(mode="after")
    def _leave_some_to_train_on(self) -> "SplitShares":
        if self.validation + self.gallery >= 1:
            raise ValueError("validation and gallery must leave a share to train on")
        return self


def check_held_out(held_out: Sequence[str], *, domains: Sequence[str]) -> None:
    """Check that domains can be held out of those that there are.

    Raises:
        CorpusError: if none is named, one is unknown, or no other is left.
    """
    if not held_out:
        raise CorpusError(f"no domain to hold out was named (has: {', '.join(domains)})")
    for name in held_out:
        if name not in domains:
            hint = did_you_mean(name, domains)
            raise CorpusError(f"no domain '{name}' to hold out (has: {', '.join(domains)}).{hint}")
    if set(held_out) == set(domains):
        raise CorpusError(f"holding out {', '.join(held_out)} leaves no domain to train on")


def check_held_out_classes(held_out: Sequence[str], *, labels: Sequence[str]) -> None:
    """Check that classes can be held out of those that there are.

    Raises:
        CorpusError: if one is unknown or no other is left.
    """
    for name in held_out:
        if name not in labels:
            hint = did_you_mean(name, labels)
            raise CorpusError(f"no class '{name}' to hold out (has {len(labels)}).{hint}")
    if set(held_out) == set(labels):
        raise CorpusError(f"holding out all {len(labels)} classes leaves none to train on")


def check_folds(held_out: Sequence[str], *, domains: Sequence[str]) -> None:
    """Check that each domain that is held out alone, or each that there is, leaves others.

    Raises:
        CorpusError: if not.
    """
    for domain in held_out or domains:
        with blame("held_out"):
            check_held_out((domain,), domains=domains)


def leave_domains_out(
    manifest: Manifest,
    *,
    held_out: Sequence[str],
    seed: int,
    shares: SplitShares | None = None,
    held_out_classes: Sequence[str] = (),
) -> Manifest:
    """Return the manifest with a split for every row.

    All of the held-out domains are ``query``. Every concept of every other domain is parted into
    ``gallery``, ``validation`` and ``train`` by a hash of the seed and the content, so that the
    order of listing has no say and equal files always fall together. A concept with too few images
    for all three keeps one to train on. A file that a held-out domain holds too is a
    ``duplicate`` elsewhere, which nothing uses.

    Images of held-out classes are ``query_unseen`` in held-out domains and ``gallery_unseen``
    elsewhere; a file that is there under another class too is a ``duplicate`` in that. Where
    classes are held out, no domain need be.

    Raises:
        CorpusError: if nothing is named, a name is unknown, or nothing is left to train on.
    """
    shares = shares or SplitShares()
    if held_out or not held_out_classes:
        check_held_out(held_out, domains=manifest.domains)
    check_held_out_classes(held_out_classes, labels=manifest.labels)
    rows = _Held(manifest, held_out=held_out, classes=held_out_classes)
    split_of = _split_contents(rows, seed, shares)
    split = [
        rows.split_of(domain, label, content) or split_of[content]
        for domain, label, content in rows.triples
    ]
    if "train" not in split:
        raise CorpusError(
            f"every other image is also in {', '.join((*held_out, *held_out_classes))}: nothing is "
            "left to train on"
        )
    return manifest.with_split(split)


class _Held:
    """Rows as (domain, label, content), and which of them are held out."""

    def __init__(
        self, manifest: Manifest, *, held_out: Sequence[str], classes: Sequence[str]
    ) -> None:
        columns = (manifest.column(name) for name in ("domain", "label", "content_hash"))
        self.triples: list[tuple[str, str, str]] = list(zip(*columns, strict=True))
        self.domains, self.classes = frozenset(held_out), frozenset(classes)
        self.queries = {content for domain, _, content in self.triples if domain in self.domains}
        self.unseen = {content for _, label, content in self.triples if label in self.classes}

    def split_of(self, domain: str, label: str, content: str) -> str | None:
        """Return the split of a row, or None if that is for the shares to say."""
        if domain in self.domains:
            return "query_unseen" if label in self.classes else "query"
        if content in self.queries:
            return "duplicate"
        if label in self.classes:
            return "gallery_unseen"
        return "duplicate" if content in self.unseen else None


def _split_contents(rows: _Held, seed: int, shares: SplitShares) -> dict[str, str]:
    cells: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for domain, label, content in rows.triples:
        if rows.split_of(domain, label, content) is None:
            cells[domain, label].add(content)
    # One that two cells share keeps the split of the first.
    split_of: dict[str, str] = {}
    for cell in sorted(cells):
        contents = sorted(cells[cell] - split_of.keys(), key=lambda content: _rank(seed, content))
        for place, content in enumerate(contents):
            split_of[content] = _split_at(place, len(contents), shares)
    return split_of


def _split_at(place: int, count: int, shares: SplitShares) -> str:
    gallery = min(math.ceil(shares.gallery * count), count - 1)
    validation = min(math.ceil(shares.validation * count), count - 1 - gallery)
    if place < gallery:
        return "gallery"
    return "validation" if place < gallery + validation else "train"


def _rank(seed: int, content: str) -> str:
    return hash_bytes(f"{seed}:{content}".encode())

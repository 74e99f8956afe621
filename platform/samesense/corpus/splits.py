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


def check_folds(held_out: Sequence[str], *, domains: Sequence[str]) -> None:
    """Check that each domain that is held out alone, or each that there is, leaves others.

    Raises:
        CorpusError: if not.
    """
    for domain in held_out or domains:
        with blame("held_out"):
            check_held_out((domain,), domains=domains)


def leave_domains_out(
    manifest: Manifest, *, held_out: Sequence[str], seed: int, shares: SplitShares | None = None
) -> Manifest:
    """Return the manifest with a split for every row.

    All of the held-out domains are ``query``. Every concept of every other domain is parted into
    ``gallery``, ``validation`` and ``train`` by a hash of the seed and the content, so that the
    order of listing has no say and equal files always fall together. A concept with too few images
    for all three keeps one to train on. A file that a held-out domain holds too is a
    ``duplicate`` elsewhere, which nothing uses.

    Raises:
        CorpusError: if no domain is named, one is unknown, or nothing is left to train on.
    """
    shares = shares or SplitShares()
    check_held_out(held_out, domains=manifest.domains)
    split_of = _split_contents(manifest, held_out, seed, shares)
    rows = zip(manifest.column("domain"), manifest.column("content_hash"), strict=True)
    split = ["query" if domain in held_out else split_of[content] for domain, content in rows]
    if "train" not in split:
        raise CorpusError(
            f"every other image is also in {', '.join(held_out)}: nothing is left to train on"
        )
    return manifest.with_split(split)


def _split_contents(
    manifest: Manifest, held_out: Sequence[str], seed: int, shares: SplitShares
) -> dict[str, str]:
    cells: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    columns = (manifest.column(name) for name in ("domain", "label", "content_hash"))
    queries: set[str] = set()
    for domain, label, content in zip(*columns, strict=True):
        if domain in held_out:
            queries.add(content)
        else:
            cells[domain, label].add(content)
    # A file that the held-out domain shares must not be trained on, nor be the answer to itself;
    # one that two cells share keeps the split of the first.
    split_of = dict.fromkeys(queries, "duplicate")
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

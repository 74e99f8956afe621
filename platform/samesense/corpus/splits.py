"""Who may be learned from: the split is made before anything looks at an image."""

import math
from collections import defaultdict

from pydantic import Field

from samesense.core.errors import CorpusError, did_you_mean
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


def leave_one_domain_out(
    manifest: Manifest, *, held_out: str, seed: int, shares: SplitShares | None = None
) -> Manifest:
    """Return the manifest with a split for every row.

    All of the held-out domain is ``query``. Every concept of every other domain is parted into
    ``gallery``, ``validation`` and ``train`` by a hash of the seed and the content, so that the
    order of listing has no say and equal files always fall together.

    Raises:
        CorpusError: if the domain is unknown, is the only one, or nothing is left to train on.
    """
    shares = shares or SplitShares()
    if held_out not in manifest.domains:
        hint = did_you_mean(held_out, manifest.domains)
        raise CorpusError(
            f"no domain '{held_out}' to hold out (has: {', '.join(manifest.domains)}).{hint}"
        )
    if len(manifest.domains) < 2:
        raise CorpusError(f"'{held_out}' is the only domain; holding it out leaves none to train on")
    split_of = _split_contents(manifest, held_out, seed, shares)
    rows = zip(manifest.column("domain"), manifest.column("content_hash"), strict=True)
    split = ["query" if domain == held_out else split_of[content] for domain, content in rows]
    if "train" not in split:
        raise CorpusError("the shares leave no image to train on; lower validation and gallery")
    return manifest.with_split(split)


def _split_contents(
    manifest: Manifest, held_out: str, seed: int, shares: SplitShares
) -> dict[str, str]:
    cells: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    columns = (manifest.column(name) for name in ("domain", "label", "content_hash"))
    queries: set[str] = set()
    for domain, label, content in zip(*columns, strict=True):
        if domain == held_out:
            queries.add(content)
        else:
            cells[domain, label].add(content)
    split_of: dict[str, str] = {}
    for cell in sorted(cells):
        # A file that two cells share keeps the split of the first; one that the held-out domain
        # shares must not be trained on, nor be the answer to itself.
        contents = sorted(cells[cell] - split_of.keys(), key=lambda content: _rank(seed, content))
        for place, content in enumerate(contents):
            split_of[content] = _split_at(place, len(contents), shares)
    return split_of | dict.fromkeys(queries & split_of.keys(), "duplicate")


def _split_at(place: int, count: int, shares: SplitShares) -> str:
    gallery = min(math.ceil(shares.gallery * count), count - 1)
    validation = min(math.ceil(shares.validation * count), count - 1 - gallery)
    if place < gallery:
        return "gallery"
    return "validation" if place < gallery + validation else "train"


def _rank(seed: int, content: str) -> str:
    return hash_bytes(f"{seed}:{content}".encode())

"""The splits of the published protocols of UCDR, repeated to the letter.

As in the reference code (Paul et al., ICCV 2021) and the code that follows it (ProS, CVPR 2024):
files of a class are drawn by NumPy's legacy generator, seeded with the class's place in its list.
One thing differs: they are sorted first, since the order of a directory is another on each machine.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samesense.core.errors import CorpusError, did_you_mean
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import ASKED, LEARNED_FROM, check_held_out

TRAINED_SHARE = 0.92
"""Of the gallery domain's images of a training class; the others make the gallery mixed."""
VALIDATION_SHARE = 0.3
"""Of a query domain's images of a validation class."""
UDCDR_CLASSES = 45
"""UdCDR asks this many classes, the first of the list."""
UDCDR_SHARE, UDCDR_SHARE_QUICKDRAW = 0.25, 0.1
"""Of the images of a class, in the held-out domain and in the gallery alike; the second where
quickdraw is held out."""


@dataclass(frozen=True)
class Published:
    """Who is who in a published split. The order of the classes decides what is drawn."""

    gallery: str
    """The domain that is searched."""
    seen: str
    """The training domain whose images of test classes UcCDR asks."""
    held_out: str | None
    """The domain that is never trained on; none with Sketchy and TU-Berlin."""
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def published_split(manifest: Manifest, *, who: Published) -> Manifest:
    """Return the manifest with the published split.

    ============================ ======================== ===================== ================
    domain                       training class           validation class      test class
    ============================ ======================== ===================== ================
    gallery                      92 % train, 8 % gallery  validation            gallery_unseen
    other training domains       train                    30 % validation       unused
    of which ``seen``            train                    30 % validation       query_known_domain
    held out                     query                    unused                query_unseen
    ============================ ======================== ===================== ================

    UdCDR draws the first 45 training classes again, with the same seeds: in the held-out domain
    they become ``query_published``, in the gallery domain, where all of them fall among those that
    are trained on, ``train_published``. Without a held-out domain all of the gallery's images of
    training classes are trained on.

    Raises:
        CorpusError: if a name is unknown, a class is in two lists, or a draw gives no image.
    """
    _check(manifest, who)
    split_N = np.full(len(manifest), "unused", dtype=object)
    cells = _Cells(manifest)
    for domain in manifest.domains:
        _split_domain(split_N, cells, domain, who)
    split = manifest.with_split(split_N.tolist())
    _check_drawn(split, who)
    return split


def _split_domain(
    split_N: NDArray[np.object_], cells: "_Cells", domain: str, who: Published
) -> None:
    held_out, gallery = domain == who.held_out, domain == who.gallery
    for place, label in enumerate(who.train):
        rows = cells.rows(domain, label)
        split_N[rows] = "query" if held_out else "train"
        if who.held_out is None:
            continue
        if gallery:
            split_N[np.setdiff1d(rows, draw(rows, TRAINED_SHARE, seed=place))] = "gallery"
        if (held_out or gallery) and place < UDCDR_CLASSES:
            share = UDCDR_SHARE_QUICKDRAW if who.held_out == "quickdraw" else UDCDR_SHARE
            word = "query_published" if held_out else "train_published"
            split_N[draw(rows, share, seed=place)] = word
    for place, label in enumerate(() if held_out else who.validation):
        rows = cells.rows(domain, label)
        chosen = rows if gallery else draw(rows, VALIDATION_SHARE, seed=place)
        split_N[chosen] = "validation"
    words = {who.held_out: "query_unseen", who.gallery: "gallery_unseen"}
    word = words.get(domain, "query_known_domain" if domain == who.seen else "unused")
    for label in who.test:
        split_N[cells.rows(domain, label)] = word


def without_copies(split: Manifest) -> Manifest:
    """Return a split in which what is asked, but has the bytes of what is learned from, is
    ``duplicate``: DomainNet has some files in several domains, and the published split both ways.
    """
    words, contents = split.column("split").tolist(), split.column("content_hash").tolist()
    rows = list(zip(words, contents, strict=True))
    learned = {content for word, content in rows if word in LEARNED_FROM}
    return split.with_split(
        ["duplicate" if word in ASKED and content in learned else word for word, content in rows]
    )


def draw(rows_N: NDArray[np.int64], share: float, *, seed: int) -> NDArray[np.int64]:
    """Return the rows that ``np.random.seed(seed); np.random.choice`` draws, ⌊share · N⌋ of N."""
    count = int(share * len(rows_N))
    drawn = np.random.RandomState(seed).permutation(len(rows_N))[:count]
    return rows_N[drawn]


class _Cells:
    """Which rows a class has in a domain, in the order of their locations."""

    def __init__(self, manifest: Manifest) -> None:
        names = ("uri", "domain", "label")
        columns = (manifest.column(name).tolist() for name in names)
        self._rows: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for _, domain, label, row in sorted(zip(*columns, range(len(manifest)), strict=True)):
            self._rows[domain, label].append(row)

    def rows(self, domain: str, label: str) -> NDArray[np.int64]:
        """Return the indices (N,) of a cell, maybe none."""
        return np.array(self._rows.get((domain, label), ()), dtype=np.int64)


def _check(manifest: Manifest, who: Published) -> None:
    domains = [who.gallery, who.seen, *([] if who.held_out is None else [who.held_out])]
    for name in domains:
        if name not in manifest.domains:
            has, hint = ", ".join(manifest.domains), did_you_mean(name, manifest.domains)
            raise CorpusError(f"no domain '{name}' (has: {has}).{hint}")
    if len(set(domains)) < len(domains):
        raise CorpusError(f"{', '.join(domains)}: gallery, seen and held-out domain must differ")
    if who.held_out is not None:
        check_held_out((who.held_out,), domains=manifest.domains)
    lists = {"training": who.train, "validation": who.validation, "test": who.test}
    taken: dict[str, str] = {}
    for kind, names in lists.items():
        _check_classes(names, kind, manifest.labels, taken)
    if not who.train or not who.test:
        raise CorpusError(f"{len(who.train)} training and {len(who.test)} test classes: name both")


def _check_classes(
    names: Sequence[str], kind: str, labels: Sequence[str], taken: dict[str, str]
) -> None:
    for name in names:
        if name not in labels:
            hint = did_you_mean(name, labels)
            raise CorpusError(f"the {kind} class '{name}' has no image in the corpus.{hint}")
        if name in taken:
            raise CorpusError(f"class '{name}' is a {taken[name]} class and a {kind} class")
        taken[name] = kind


def _check_drawn(split: Manifest, who: Published) -> None:
    needed = ["train", "gallery_unseen"]
    if who.held_out is not None:
        needed += ["query_unseen", "query_published", "train_published"]
    for word in needed:
        if word not in split.column("split"):
            raise CorpusError(
                f"the published split has no image for '{word}': too few images of these classes "
                f"in {who.gallery}" + (f" or {who.held_out}" if who.held_out else "")
            )

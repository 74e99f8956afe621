"""Whether a split is what it says: nothing held out is learned from, nothing learned is asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samesense.core.errors import CorpusError, did_you_mean
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import ASKED, LEARNED_FROM, NOT_USED

WORDS = (*LEARNED_FROM, *ASKED, *NOT_USED)
PUBLISHED = ("train_published", "query_published")
OF_HELD_OUT_DOMAINS = ("query", "query_unseen", "query_published")
OF_HELD_OUT_CLASSES = ("query_unseen", "gallery_unseen", "query_known_domain")


def check_split(
    split: Manifest,
    *,
    held_out: Sequence[str],
    held_out_classes: Sequence[str],
    published: bool,
    where: str,
) -> None:
    """Check a split against what it holds out.

    Of one that is ``published``, equal bytes on both sides are not asked about: the protocol has
    them, and says so.

    Raises:
        CorpusError: if a word is unknown, an image is listed twice, a name that is held out has no
            image, an image is on the wrong side, one side is empty, or the same bytes are learned
            from and asked.
    """
    _check_words(split, published=published, where=where)
    _check_names("domain", held_out, split.domains, where=where)
    _check_names("label", held_out_classes, split.labels, where=where)
    _check_sides(split, "domain", held_out, OF_HELD_OUT_DOMAINS, where=where)
    _check_sides(split, "label", held_out_classes, OF_HELD_OUT_CLASSES, where=where)
    _check_not_empty(split, where=where)
    if not published:
        _check_bytes(split, where=where)


def _check_words(split: Manifest, *, published: bool, where: str) -> None:
    words = [word for word in WORDS if published or word not in PUBLISHED]
    for word in sorted(set(split.column("split")) - set(words), key=str):
        hint = did_you_mean(str(word), words)
        raise CorpusError(f"{where}: no split '{word}' (has: {', '.join(words)}).{hint}")
    uris, counts = np.unique(split.column("uri").astype(str), return_counts=True)
    if (counts > 1).any():
        raise CorpusError(f"{where}: lists {uris[counts > 1][0]} more than once")


def _check_names(what: str, held_out: Sequence[str], names: Sequence[str], *, where: str) -> None:
    for name in held_out:
        if name not in names:
            raise CorpusError(
                f"{where}: holds out the {what} '{name}', of which it has no image."
                f"{did_you_mean(name, names)}"
            )


def _check_sides(
    split: Manifest, what: str, held_out: Sequence[str], words: Sequence[str], *, where: str
) -> None:
    """Check that the words for what is held out stand at that, and no learning does."""
    held_N = np.isin(split.column(what).astype(str), list(held_out))
    wrong_N = (held_N & _is(split, LEARNED_FROM)) | (~held_N & _is(split, words))
    if what == "domain":
        wrong_N |= held_N & _is(split, ("gallery", "gallery_unseen", "query_known_domain"))
    else:
        wrong_N |= held_N & _is(split, ("gallery", "query", "query_published"))
    if wrong_N.any():
        row = split.where(wrong_N).table.to_pylist()[0]
        has = f"holds out the {what}s {', '.join(held_out)}" if held_out else f"holds no {what} out"
        raise CorpusError(
            f"{where}: {has}, but {wrong_N.sum()} images say otherwise, such as {row['uri']} of "
            f"{what} '{row[what]}', which is '{row['split']}'"
        )


def _check_not_empty(split: Manifest, *, where: str) -> None:
    learned, asked = (int(_is(split, words).sum()) for words in (("train",), ASKED))
    if not learned or not asked:
        raise CorpusError(f"{where}: has {learned} images to train on and {asked} to ask")


def _check_bytes(split: Manifest, *, where: str) -> None:
    learned, asked = split.where(_is(split, LEARNED_FROM)), split.where(_is(split, ASKED))
    seen = dict(zip(learned.column("content_hash"), learned.column("uri"), strict=True))
    rows = zip(asked.column("uri"), asked.column("content_hash"), strict=True)
    leaks = [(uri, seen[content]) for uri, content in rows if content in seen]
    if leaks:
        raise CorpusError(
            f"{where}: {len(leaks)} images that are asked have the bytes of one that is learned "
            f"from, such as {leaks[0][0]} and {leaks[0][1]}: that is a leak; make one of each "
            "'duplicate'"
        )


def _is(split: Manifest, words: Sequence[str]) -> NDArray[np.bool_]:
    found_N: NDArray[np.bool_] = np.isin(split.column("split").astype(str), list(words))
    return found_N

"""What each protocol asks of a split: which of its images are queries, which are searched."""

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import Manifest
from samesense.evaluation.options import Gallery, Protocol, Variant

LEARNED = {"train": "train", "train_published": "train", "validation": "validation"}
SEEN_CLASSES = {"query": "query", "query_published": "query", "gallery": "gallery"}
PUBLISHED = {"query_published": "query", "train_published": "gallery"}
UNSEEN_CLASSES = {"query_known_domain": "query", "gallery_unseen": "gallery"}
UNSEEN_BOTH = {"query_unseen": "query", "gallery_unseen": "gallery"}


def asked(
    split: Manifest,
    *,
    protocol: Protocol,
    variant: Variant = "clean",
    gallery: Gallery = "unseen",
) -> Manifest:
    """Return the images that a protocol looks at; its queries are ``query``, what it searches is
    ``gallery``, and what it learns from ``train`` and ``validation``.

    UcCDR asks its gallery as well, each image in the other domains.

    Raises:
        CorpusError: if the split has no image for it.
    """
    words = _words(protocol, variant, gallery)
    split_N = split.column("split").tolist()
    rows = [row for row, word in enumerate(split_N) if word in words]
    found = split.take(rows).with_split([words[split_N[row]] for row in rows])
    _check(found, protocol, variant)
    return found


def _words(protocol: Protocol, variant: Variant, gallery: Gallery) -> dict[str, str]:
    match protocol:
        case "udcdr":
            return PUBLISHED if variant == "official" else SEEN_CLASSES
        case "uccdr":
            return UNSEEN_CLASSES
        case "ucdr":
            return UNSEEN_BOTH | ({"gallery": "gallery"} if gallery == "mixed" else {})
        case "dg":
            return LEARNED | SEEN_CLASSES
        case "matrix" | "gap":
            return SEEN_CLASSES


def _check(found: Manifest, protocol: Protocol, variant: Variant) -> None:
    counts = {word: int((found.column("split") == word).sum()) for word in ("query", "gallery")}
    if counts["gallery"] and (counts["query"] or protocol in ("uccdr", "matrix", "gap")):
        return
    needs = {
        "uccdr": "classes held out (corpus.held_out_classes)",
        "ucdr": "a domain and classes held out (corpus.held_out, corpus.held_out_classes)",
    }.get(protocol, "a domain held out, and a class of two images or more in another")
    if variant == "official":
        needs = "a published split of a data set with a held-out domain"
    raise CorpusError(
        f"{protocol}: {counts['query']} queries and {counts['gallery']} gallery images; it needs a "
        f"model that was trained with {needs}"
    )

"""A split by a data set's own lists: what it calls training is trained on, its test is asked."""

from collections.abc import Mapping, Sequence

from samesense.core.errors import CorpusError, did_you_mean
from samesense.corpus.laid_out import BOTH
from samesense.corpus.layouts import PARTS
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import check_held_out

SPLIT_OF = {"train": "train", "validation": "validation", "test": "gallery", "": "unused"}


def listed_split(
    manifest: Manifest, *, parts: Mapping[str, str], held_out: Sequence[str]
) -> Manifest:
    """Return the manifest with a split for every row.

    In a training domain the train, validation and test lists are ``train``, ``validation`` and
    ``gallery``; an image on two of them is what the first of these says. Of a held-out domain the
    test list is ``query``, and all of the domain where it has none. What no list names is
    ``unused``; a file that was there before in what is asked or learned from is a ``duplicate``.
    ``parts`` says location → part.

    Raises:
        CorpusError: if a domain or part is unknown, or nothing is left to train on or to ask.
    """
    check_held_out(held_out, domains=manifest.domains)
    columns = (manifest.column(name).tolist() for name in ("uri", "domain", "content_hash"))
    rows = [
        (parts.get(uri, ""), domain, content) for uri, domain, content in zip(*columns, strict=True)
    ]
    tested = {domain for part, domain, _ in rows if "test" in part.split(BOTH)}
    split = [
        _query(part, domain in tested) if domain in held_out else SPLIT_OF[_first(part)]
        for part, domain, _ in rows
    ]
    for word in ("train", "query"):
        if word not in split:
            raise CorpusError(
                f"the lists leave no image for '{word}' without {', '.join(held_out)}"
            )
    return manifest.with_split(_without_copies(split, [content for *_, content in rows]))


def _first(part: str) -> str:
    named = part.split(BOTH) if part else []
    for name in named:
        if name not in PARTS:
            raise CorpusError(
                f"no part '{name}' (has: {', '.join(PARTS)}).{did_you_mean(name, PARTS)}"
            )
    return min(named, key=PARTS.index, default="")


def _query(part: str, has_test: bool) -> str:
    return "query" if not has_test or "test" in part.split(BOTH) else "unused"


def _without_copies(split: Sequence[str], contents: Sequence[str]) -> list[str]:
    """Let the bytes of each image be on one side: what is asked first, then what is learned."""
    side_of: dict[str, str] = {}
    for word in ("query", "train", "validation", "gallery"):
        for told, content in zip(split, contents, strict=True):
            if told == word:
                side_of.setdefault(content, word)
    return [
        word if word in ("unused", side_of.get(content)) else "duplicate"
        for word, content in zip(split, contents, strict=True)
    ]

"""A file of a corpus, wherever it lies, before it is known what is in it."""

from dataclasses import dataclass

from samesense.corpus.decode import Rejected
from samesense.corpus.sources.pattern import KeyPattern
from samesense.corpus.sources.row import Row


@dataclass(frozen=True)
class File:
    """A file or object as a listing tells of it."""

    uri: str
    path: str
    """Its path relative to the corpus."""
    revision: str
    fault: Rejected | None = None
    """Why it cannot be read."""


def image_row(file: File, pattern: KeyPattern) -> Row:
    """Return a file as an image; one outside of the pattern has the fault ``wrong_depth``."""
    named = pattern.match(file.path)
    if named is None:
        shown = "domain/class/file" if pattern == KeyPattern() else f"'{pattern.text}'"
        return Row(file.uri, "", "", fault=Rejected("wrong_depth", f"is not at {shown}"))
    return Row(
        file.uri,
        named.domain,
        named.label,
        fault=file.fault,
        revision=file.revision,
        key=named.id,
    )

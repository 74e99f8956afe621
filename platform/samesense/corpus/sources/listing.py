"""Listing a corpus, whatever it is: rows of images that nobody has read yet."""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from samesense.core.errors import CorpusError
from samesense.core.storage import local_path
from samesense.corpus.decode import Rejected
from samesense.corpus.objects import find_object, is_object
from samesense.corpus.reading import PARQUET, TAR
from samesense.corpus.sources.csv import list_csv
from samesense.corpus.sources.file import File, image_row
from samesense.corpus.sources.folder import list_folder, revision_of
from samesense.corpus.sources.jsonl import list_jsonl
from samesense.corpus.sources.options import CorpusOptions
from samesense.corpus.sources.parquet import list_parquet
from samesense.corpus.sources.pattern import KeyPattern
from samesense.corpus.sources.row import Row, legible
from samesense.corpus.sources.s3 import list_prefix, object_file
from samesense.corpus.sources.webdataset import list_tar

MANIFESTS: MappingProxyType[str, Callable[[str], Iterator[Row]]] = MappingProxyType(
    {".jsonl": list_jsonl, ".csv": list_csv}
)
SINGLE = (*MANIFESTS, PARQUET, TAR)
BAD_SHARD = "bad_shard"
"""Why a row stands for all the images of a shard, or for those that were not listed."""


def list_rows(corpus: CorpusOptions) -> Iterator[Row]:
    """Yield every row of a corpus, in the same order each time, as the listing goes on.

    A shard among others that cannot be read to its end is a row with the fault ``bad_shard``, a row
    with names that are no Unicode one with ``not_unicode``.

    Raises:
        CorpusError: if the corpus cannot be read.
    """
    return map(legible, _listed(corpus.uri, corpus.key_pattern))


def _listed(uri: str, pattern: KeyPattern) -> Iterator[Row]:
    suffix = PurePosixPath(uri).suffix.lower()
    if suffix in SINGLE and (single := _single_file(uri)) is not None:
        yield from MANIFESTS[suffix](uri) if suffix in MANIFESTS else _rows(single, pattern)
        return
    for file in list_files(uri):
        try:
            yield from _rows(file, pattern)
        except CorpusError as error:
            yield Row(file.uri, "", "", fault=Rejected(BAD_SHARD, str(error)))


def _single_file(uri: str) -> File | None:
    """Return the one file that a corpus is, or None if there is no file of its name."""
    if is_object(uri):
        found = find_object(uri)
        return object_file(found, path=PurePosixPath(uri).name) if found is not None else None
    path = local_path(uri)
    return File(str(path), path.name, revision_of(path)) if _exists(path, Path.is_file) else None


def _rows(file: File, pattern: KeyPattern) -> Iterator[Row]:
    suffix = PurePosixPath(file.path).suffix.lower()
    if file.fault is None and suffix == TAR:
        yield from list_tar(file, pattern)
    elif file.fault is None and suffix == PARQUET:
        yield from list_parquet(file)
    else:
        yield image_row(file, pattern)


def list_files(uri: str) -> Iterator[File]:
    """Yield every file of a folder or prefix, in the same order each time.

    Raises:
        CorpusError: if there is no such folder or it cannot be read.
    """
    if is_object(uri):
        return list_prefix(uri)
    path = local_path(uri)
    if _exists(path, Path.is_dir):
        return list_folder(path)
    if _exists(path, Path.is_file):
        raise CorpusError(f"{uri}: is a file, but neither manifest nor shard ({', '.join(SINGLE)})")
    raise CorpusError(f"{uri}: no such folder or manifest")


def _exists(path: Path, tell: Callable[[Path], bool]) -> bool:
    try:
        return tell(path)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror}") from None

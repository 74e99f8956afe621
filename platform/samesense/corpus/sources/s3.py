"""The objects below a prefix of an S3 store."""

from collections.abc import Iterator

from samesense.corpus.objects import Object, list_objects
from samesense.corpus.sources.file import File


def list_prefix(uri: str) -> Iterator[File]:
    """Yield every object below ``s3://bucket/prefix``, ordered by key, a page at a time.

    Not listed are hidden names and the empty objects that stand for folders.

    Raises:
        CorpusError: if the store cannot be used.
    """
    root = uri.rstrip("/") + "/"
    for found in list_objects(root):
        path = found.uri.removeprefix(root)
        hidden = any(part.startswith(".") for part in path.split("/"))
        if path and not path.endswith("/") and not hidden:
            yield object_file(found, path=path)


def object_file(found: Object, *, path: str) -> File:
    """Return an object as a file of a corpus."""
    return File(uri=found.uri, path=path, revision=f"{found.size_bytes}-{found.revision}")

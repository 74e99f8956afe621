"""The real Milvus server that the tests use, for the length of a measurement."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def milvus_server() -> Iterator[str]:
    """Start the server of `make milvus-server` and yield its address."""
    sys.path.append(str(Path(__file__).parents[1]))
    from tests.integration.milvus_server import milvus_server

    with tempfile.TemporaryDirectory() as folder, milvus_server(Path(folder)) as uri:
        yield uri

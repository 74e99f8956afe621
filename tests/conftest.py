"""What all tests share: one Ray cluster a session, and where real data may lie."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.s3_server import S3Server, serving

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server that the environment names."""
    with serving() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def ray_cluster(s3: S3Server) -> Iterator[None]:
    """A local Ray, started as the commands start it; its workers know the S3 server."""
    from samesense.cli.cluster import cluster

    with cluster():
        yield


def _real(variable: str, below_shared: str) -> Path:
    path = Path(os.environ.get(variable, ROOT.parent / "shared" / below_shared))
    if not path.is_dir():
        pytest.skip(f"real data is absent: set {variable} to run this test")
    return path


@pytest.fixture(scope="session")
def pacs() -> Path:
    """The PACS images, where they are present."""
    return _real("SAMESENSE_PACS", "data/pacs")


@pytest.fixture(scope="session")
def tiny_idefics3() -> Path:
    """A small MLLM with a pretrained vision tower, where it is present."""
    return _real("SAMESENSE_TINY_IDEFICS3", "models/tiny-idefics3")

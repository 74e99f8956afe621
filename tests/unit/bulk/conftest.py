"""What the steps of a bulk job are tested with: a model, a local index, pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samesense.artefact.folder import Artefact
from samesense.index.store import Store, open_store
from tests.fixtures.corpora import write_patterns
from tests.fixtures.trained_models import write_model
from tests.unit.bulk.one_block import SIZES


@pytest.fixture(scope="package")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    folder = tmp_path_factory.mktemp("model")
    return write_model(folder / "model", backbone=folder / "backbone", seed=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "milvus.db")) as opened:
        yield opened


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_patterns(tmp_path / "photos", **SIZES)

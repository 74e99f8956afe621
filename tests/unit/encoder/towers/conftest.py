from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.fixtures.tiny_models import DUAL, MLLMS

ModelFolder = Callable[[str], Path]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """Give the folder of a tiny model by its family's name; built once a session."""

    @cache
    def build(family: str) -> Path:
        folder = tmp_path_factory.mktemp(family)
        (MLLMS | DUAL)[family](folder)
        return folder

    return build

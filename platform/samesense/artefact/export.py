"""A trained tower as a plain Hugging Face model, for those who know nothing of this platform."""

import shutil
import uuid
from pathlib import Path

from samesense.artefact.folder import Artefact
from samesense.core.errors import ArtefactError


def export_tower(artefact: Artefact, folder: Path) -> None:
    """Write the tower that reads images, its adapter merged into the weights, as a model's folder.

    The folder holds tokenizer and image processor too, appears whole or not at all, and is taken
    wherever a backbone is. The alignment module is no part of it. In a tower of lower precision
    than float32, merging rounds.

    Raises:
        ArtefactError: if the folder holds something, or the artefact's tower has changed.
        ModelError: if the tower does not load.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArtefactError(f"{folder}: is not empty; give a new folder")
    tower = artefact.encoder().tower("image")
    tower.merge_adapter()
    building = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    building.mkdir(parents=True)
    try:
        tower.save(building)
        if folder.exists():
            folder.rmdir()
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)

"""Which trained models a folder of runs holds."""

from collections.abc import Iterator
from pathlib import Path

from samesense.artefact.folder import MODEL_FOLDER, RECORD, Artefact, load_artefact
from samesense.core.errors import ArtefactError


def find_artefacts(root: Path) -> Iterator[Artefact]:
    """Yield the readable artefacts of the runs below ``root``, in the order of their folders."""
    for record in sorted(root.rglob(f"{MODEL_FOLDER}/{RECORD}")):
        try:
            yield load_artefact(record.parent)
        except ArtefactError:
            continue

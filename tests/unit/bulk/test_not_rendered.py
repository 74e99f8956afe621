"""A picture that a model's image processor refuses is rejected, and its neighbours are not."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from samesense.artefact.folder import Artefact
from samesense.bulk.commit import CommitBlock
from samesense.bulk.encode import EncodeBlock
from samesense.bulk.prepare import PrepareBlock
from samesense.encoder.towers.tower import Renderer
from samesense.index.store import Store
from tests.unit.bulk.one_block import IMAGES, found_in, listed, make_task, run


class Picky:
    """A renderer that takes no picture of some size."""

    def __init__(self, renderer: Renderer, refused: tuple[int, int]) -> None:
        self.renderer, self.refused = renderer, refused

    def prepare_images(self, images: Sequence[Image.Image]) -> dict[str, Any]:
        if any(image.size == self.refused for image in images):
            raise ValueError(f"no picture of {self.refused} pixels")
        return self.renderer.prepare_images(images)


def test_a_picture_that_cannot_be_rendered_is_rejected_alone(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    run(make_task(tmp_path, artefact, store, listed(photos)))
    known = photos / "domain0/concept0/0.png"
    Image.new("RGB", (7, 9)).save(known)
    shutil.copy(known, photos / "domain1/concept1/twin.png")
    Image.new("RGB", (8, 8)).save(photos / "domain1/concept1/good.png")
    task = make_task(tmp_path, artefact, store, listed(photos))
    prepare = PrepareBlock(task)
    prepare._renderer = Picky(prepare._renderer, (7, 9))  # type: ignore[assignment]
    committed = CommitBlock(task)(EncodeBlock(task, device="cpu")(prepare(0)))
    assert committed.fates == {"unchanged": IMAGES - 1, "embedded": 1, "rejected": 2}
    assert committed.reasons == {"not_rendered": 2}
    entry = next(e for e in task.ledger.read(0) if e.uri == str(known))
    assert entry.detail == "no picture of (7, 9) pixels"
    assert str(known) not in found_in(store, artefact)
    assert len(found_in(store, artefact)) == IMAGES


@pytest.mark.parametrize("place", ["domain0/concept0/0.png", "domain0/concept1/1.png"])
def test_it_may_be_the_first_or_the_last_of_a_forward(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path, place: str
) -> None:
    Image.new("RGB", (7, 9)).save(photos / place)
    task = make_task(tmp_path, artefact, store, listed(photos))
    prepare = PrepareBlock(task)
    prepare._renderer = Picky(prepare._renderer, (7, 9))  # type: ignore[assignment]
    committed = CommitBlock(task)(EncodeBlock(task, device="cpu")(prepare(0)))
    assert committed.fates == {"embedded": IMAGES - 1, "rejected": 1}
    assert len(found_in(store, artefact)) == IMAGES - 1

"""What the encoder cannot do ends a job in its own words."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from samesense.artefact.folder import Artefact
from samesense.bulk.encode import EncodeBlock
from samesense.bulk.pipeline import _Encode
from samesense.bulk.prepare import PrepareBlock
from samesense.core.errors import BulkError, ModelError
from samesense.index.store import Store
from tests.unit.bulk.one_block import listed, make_task


def more_than_there_is(*_: object) -> None:
    torch.empty(1 << 50)


def more_objects_than_there_is(*_: object) -> None:
    bytearray(1 << 60)


def more_than_the_gpu_has(*_: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize(
    "asked", [more_than_there_is, more_objects_than_there_is, more_than_the_gpu_has]
)
def test_a_forward_that_does_not_fit_says_what_to_lower(
    tmp_path: Path,
    artefact: Artefact,
    store: Store,
    photos: Path,
    asked: Callable[..., None],
) -> None:
    task = make_task(tmp_path, artefact, store, listed(photos))
    encode = EncodeBlock(task, device="cpu")
    encode._tower.encoder.blocks["backbone"].register_forward_pre_hook(asked)
    with pytest.raises(BulkError, match=r"forward of 5 .*lower encode.images_per_forward \(5\)"):
        encode(PrepareBlock(task)(0))


def test_a_tower_that_does_not_load_is_told_by_the_block_not_by_the_worker(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    task = replace(make_task(tmp_path, artefact, store, listed(photos)), first_pass=True)
    no_gpu = "vulkan:0"  # a device that torch names, and no machine of ours has
    worker = _Encode(task, no_gpu)
    block = pickle.dumps(PrepareBlock(task)(0))
    with pytest.raises(ModelError, match=rf"{artefact.folder}: does not load on {no_gpu}: "):
        worker({"block": np.array([block], dtype=object)})

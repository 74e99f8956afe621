"""Ray Data carries out the batch plan: fetch, decode, render and stream, in the plan's order.

Every row of the stream is one rank's share of one global step, so all ranks get the same number
of batches and a batch never waits for its neighbours.

Shapes: B items of a rank's share of a step.
"""

import functools
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import ray
import ray.data
import torch
from PIL import Image
from torch import Tensor

from samesense.core.errors import TrainingError
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.reading import read_bytes
from samesense.encoder.options import TowerOptions
from samesense.training.plan import Indices
from samesense.training.sources import Source
from samesense.training.task import Items, StageTask

if TYPE_CHECKING:
    from samesense.encoder.towers.tower import Renderer

CACHED_STEPS_PER_BLOCK = 64
LIVE_STEPS_PER_BLOCK = 1
STEPS_AHEAD = 4


@dataclass(frozen=True)
class Batch:
    """What one rank computes in one step."""

    inputs: Mapping[str, Any]
    """Source key → tower vectors (B, D), or the tower's rendered inputs."""
    concept_B: Tensor
    domain_B: Tensor


def stream(task: StageTask, *, items: Items, plan: Sequence[Indices] | Indices) -> Iterator[Batch]:
    """Yield a batch for each row of item indices of ``plan``, in its order.

    Raises:
        TrainingError: if an item cannot be read or decoded.
    """
    read = (source for source in task.sources.values() if source.modality != "concept")
    sources = tuple({source.key: source for source in read}.values())
    live = any(source.kind == "live" for source in sources)
    per_block = LIVE_STEPS_PER_BLOCK if live else CACHED_STEPS_PER_BLOCK
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    rows = ray.data.from_items(
        [{"items": items_B.tolist()} for items_B in plan],
        override_num_blocks=-(-len(plan) // per_block),
    )
    prepare = functools.partial(
        _prepare_row,
        task_ref=ray.put((items, sources, dict(task.recipe.towers()), task.limits)),
    )
    batches = rows.map(prepare, num_cpus=0.5)
    # Ray Data schedules in a thread, which would hold up every small operation of a tower that is
    # trained here. A split of one is all of it, scheduled by a process of its own.
    for row in (batches.streaming_split(1)[0] if live else batches).iter_rows():
        yield pickle.loads(row["batch"])


def _prepare_row(row: dict[str, Any], *, task_ref: Any) -> dict[str, Any]:
    items, sources, towers, limits = ray.get(task_ref)
    batch = prepare_batch(
        np.array(row["items"]), items=items, sources=sources, towers=towers, limits=limits
    )
    return {"batch": pickle.dumps(batch, protocol=5)}


def prepare_batch(
    items_B: Indices,
    *,
    items: Items,
    sources: Sequence[Source],
    towers: Mapping[str, TowerOptions],
    limits: DecodeLimits,
) -> Batch:
    """Fetch, decode and render the items of one batch.

    Raises:
        TrainingError: if an item cannot be read or decoded.
    """
    inputs: dict[str, Any] = {}
    for source in sources:
        if source.kind == "cached":
            vectors_ND: Any = ray.get(items.vectors[source.key])
            inputs[source.key] = torch.from_numpy(vectors_ND[items_B])
            continue
        renderer = _renderer(towers[source.tower])
        if source.modality == "text":
            inputs[source.key] = renderer.prepare_texts(list(items.texts[items_B]))
        else:
            images = [_load(uri, limits) for uri in items.uris[items_B]]
            inputs[source.key] = renderer.prepare_images(images)
    return Batch(
        inputs=inputs,
        concept_B=torch.from_numpy(items.concept_N[items_B]),
        domain_B=torch.from_numpy(items.domain_N[items_B]),
    )


@functools.lru_cache(maxsize=4)
def _renderer(options: TowerOptions) -> "Renderer":
    # Imported late: a process that only looks up cached vectors never loads transformers.
    from samesense.encoder.towers.build import build_renderer

    return build_renderer(options)


def _load(uri: str, limits: DecodeLimits) -> Image.Image:
    try:
        picture = decode(read_bytes(uri), limits=limits)
    except OSError as error:
        raise TrainingError(f"{uri}: cannot be read any more ({error}); scan again") from None
    if isinstance(picture, Rejected):
        raise TrainingError(
            f"{uri}: {picture.reason} since the scan ({picture.detail}); scan again"
        )
    return picture

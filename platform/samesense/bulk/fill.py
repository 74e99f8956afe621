"""Run a frozen tower once over what the cache lacks: the Ray Data driver of bulk embedding."""

import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ray.data
from numpy.typing import NDArray

from samesense.artefact.folder import Artefact, load_artefact
from samesense.bulk.options import EncodeOptions
from samesense.bulk.steps import EncodeTower, Rendered, RenderImages
from samesense.core.progress import progress
from samesense.corpus.decode import DecodeLimits, Rejected
from samesense.corpus.manifest import Manifest
from samesense.training.device import on_gpu
from samesense.vectors.cache import VectorCache

RENDER_CPUS = 0.4
ENCODE_CPUS = 0.5
"""Shares of a CPU that Ray reserves; they differ, or Ray Data would run both steps in one actor,
and the tower would wait for decoding."""


@dataclass(frozen=True)
class _Asked:
    """Which tower vectors are wanted."""

    view: str
    adapter: bool


@dataclass(frozen=True)
class Done:
    """What became of one batch."""

    count: int
    """How many images it held."""
    rejected: dict[str, Rejected]
    """Content hash → why there is no vector of it."""


@dataclass(frozen=True)
class Filled:
    """What became of the items of a manifest."""

    cache: VectorCache
    """Holds the tower vector of every item that was not rejected."""
    encoded: int
    """How many different images the tower ran on."""
    rejected: dict[str, Rejected]
    """Content hash → why there is no vector of it."""


def fill_image_vectors(
    manifest: Manifest,
    *,
    model: Path | str,
    cache_root: Path | str,
    limits: DecodeLimits,
    options: EncodeOptions,
    view: str | None = None,
    adapter: bool = True,
) -> Filled:
    """Make sure that the cache holds the tower vectors of a manifest's images.

    They are those of the view that stands for images, or of another; ``adapter=False`` asks for
    the tower without its LoRA. Images that are there are not read; where all are there, the tower
    is not loaded. Finished batches are kept when the process is killed.
    """
    # Ray's processes may have another working directory.
    artefact, cache_root = load_artefact(Path(model).absolute()), Path(cache_root).absolute()
    asked = _Asked(view or artefact.recipe.vector["image"], adapter)
    fingerprint = artefact.tower_fingerprint(asked.view, adapter=adapter)
    cache = VectorCache(cache_root, fingerprint=fingerprint)
    uri_by_key = dict(zip(manifest.column("content_hash"), manifest.column("uri"), strict=True))
    missing = cache.missing(list(uri_by_key))
    rejected: dict[str, Rejected] = {}
    if missing:
        with progress(total=len(missing), what="embed images") as advance:
            rows = [{"key": key, "uri": uri_by_key[key]} for key in missing]
            for outcome in _run(rows, artefact, asked, cache_root, limits, options):
                rejected.update(outcome.rejected)
                advance(outcome.count)
    return Filled(cache=cache, encoded=len(missing) - len(rejected), rejected=rejected)


def _run(
    rows: list[dict[str, str]],
    artefact: Artefact,
    asked: _Asked,
    cache_root: Path,
    limits: DecodeLimits,
    options: EncodeOptions,
) -> Iterator[Done]:
    tower = artefact.recipe.towers()[artefact.recipe.views[asked.view].blocks[0]]
    render = RenderImages(tower=tower, limits=limits)
    ray.data.DataContext.get_current().enable_progress_bars = False
    gpu = on_gpu(options.device, processes=options.actors)
    blocks = -(-len(rows) // options.images_per_forward)
    rendered = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
        _RenderBlock,
        fn_constructor_args=(render,),
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(size=options.actors * options.renderers_per_actor),
        num_cpus=RENDER_CPUS,
    )
    encoded = rendered.map_batches(
        _EncodeBlock,
        fn_constructor_args=(
            str(artefact.folder),
            asked,
            str(cache_root),
            options.threads_per_actor,
            gpu,
        ),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=options.actors),
        num_cpus=ENCODE_CPUS,
        num_gpus=int(gpu),
    )
    for row in encoded.iter_rows():
        yield pickle.loads(row["done"])


class _RenderBlock:
    """An actor, since Ray ends idle task processes, and loading a renderer takes seconds."""

    def __init__(self, render: RenderImages) -> None:
        self.render = render

    def __call__(self, block: dict[str, NDArray[np.object_]]) -> dict[str, list[bytes]]:
        rendered = self.render(list(block["key"]), uris=list(block["uri"]))
        return {"rendered": [pickle.dumps(rendered, protocol=5)]}


class _EncodeBlock:
    """An actor that holds the tower and writes what it gives straight into the cache."""

    def __init__(
        self, model: str, asked: _Asked, cache_root: str, threads: int | None, gpu: bool
    ) -> None:
        self.encode = EncodeTower(
            model,
            view=asked.view,
            adapter=asked.adapter,
            threads=threads or os.cpu_count(),
            device="cuda" if gpu else "cpu",
        )
        fingerprint = self.encode.encoder.tower_fingerprint(asked.view, adapter=asked.adapter)
        self.cache = VectorCache(cache_root, fingerprint=fingerprint)

    def __call__(self, block: dict[str, NDArray[np.object_]]) -> dict[str, list[bytes]]:
        rendered: Rendered = pickle.loads(block["rendered"][0])
        if rendered.inputs is not None:
            self.cache.put(rendered.keys, self.encode(rendered.inputs))
        count = len(rendered.keys) + len(rendered.rejected)
        done = Done(count=count, rejected=dict(rendered.rejected))
        return {"done": [pickle.dumps(done, protocol=5)]}

"""The steps of bulk embedding as plain classes: each is tested and used without Ray.

Shapes: B items of a forward, D width.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from PIL import Image

from samesense.artefact.folder import load_artefact
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.reading import read_bytes
from samesense.encoder.encoder import Encoder, Vectors
from samesense.encoder.options import TowerOptions
from samesense.encoder.towers.build import build_renderer
from samesense.encoder.towers.tower import Renderer


@dataclass(frozen=True)
class Rendered:
    """A batch that is ready for the tower, and the items that did not make it."""

    keys: list[str]
    """Cache keys of the items in ``inputs``."""
    inputs: bytes | None
    """The tower's input tensors, pickled within this job; none if every item was rejected."""
    rejected: list[tuple[str, Rejected]]
    """Cache key and reason of the others."""


@dataclass(frozen=True)
class RenderImages:
    """Fetch, decode and render a batch of images: CPU work, no weights."""

    tower: TowerOptions
    limits: DecodeLimits

    def __call__(self, keys: Sequence[str], *, uris: Sequence[str]) -> Rendered:
        """Return the batch; an unreadable or undecodable image becomes a rejection."""
        pictures: list[Image.Image] = []
        good: list[str] = []
        rejected: list[tuple[str, Rejected]] = []
        for key, uri in zip(keys, uris, strict=True):
            picture = self._load(uri)
            if isinstance(picture, Rejected):
                rejected.append((key, picture))
            else:
                pictures.append(picture)
                good.append(key)
        inputs = pickle.dumps(self._renderer.prepare_images(pictures), 5) if pictures else None
        return Rendered(keys=good, inputs=inputs, rejected=rejected)

    def _load(self, uri: str) -> Image.Image | Rejected:
        try:
            return decode(read_bytes(uri), limits=self.limits)
        except OSError as error:
            return Rejected(reason="unreadable", detail=str(error))

    @cached_property
    def _renderer(self) -> Renderer:
        return build_renderer(self.tower)


class EncodeTower:
    """Hold a model's tower and turn rendered batches into tower vectors."""

    def __init__(
        self,
        model: str,
        *,
        view: str,
        threads: int | None,
        device: str = "cpu",
        adapter: bool = True,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.encoder: Encoder = load_artefact(model).encoder().to(device)
        self.view, self.adapter = view, adapter

    def __call__(self, inputs: bytes) -> Vectors:
        """Return the tower vectors (B, D) of a rendered batch."""
        batch: dict[str, Any] = pickle.loads(inputs)
        with torch.inference_mode():
            h_BD = self.encoder.tower_vectors(self.view, inputs=batch, adapter=self.adapter)
        found: Vectors = h_BD.cpu().numpy()
        return found

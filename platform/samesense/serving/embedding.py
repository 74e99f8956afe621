"""A model in memory, and the forwards of many requests joined.

Shapes: D width.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from samesense.artefact.folder import load_artefact
from samesense.encoder.encoder import Encoder, Vectors
from samesense.encoder.options import Modality
from samesense.serving.errors import ApiError
from samesense.serving.rendering import Rendered

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Description:
    """What is known of a model without its weights."""

    folder: str
    """For the processes of the service; callers do not hear of it."""
    fingerprint: str
    width: int
    modalities: tuple[Modality, ...]
    revision: str | None = None
    """Of its backbone, where that is of a hub and was pinned."""
    made: str | None = None
    """When it was trained, in ISO 8601."""
    fault: str | None = None
    """Why the model that was to take its place has not."""


@dataclass(frozen=True)
class Loaded:
    """A model in memory."""

    description: Description
    encoder: Encoder

    @classmethod
    def from_folder(cls, folder: str, *, device: str) -> "Loaded":
        """Load a model.

        Raises:
            ArtefactError: if the folder is no model.
            ModelError: if its tower does not load.
        """
        artefact = load_artefact(folder)
        encoder = artefact.encoder().to(device)
        view = artefact.recipe.views[next(iter(artefact.recipe.vector.values()))]
        return cls(
            Description(
                folder=str(artefact.folder.absolute()),
                fingerprint=artefact.record.fingerprint,
                width=encoder.widths[next(iter(artefact.recipe.vector.values()))],
                modalities=tuple(artefact.recipe.vector),
                revision=artefact.recipe.towers()[view.blocks[0]].revision,
                made=artefact.record.provenance.get("made"),
            ),
            encoder,
        )

    def embed(
        self, items: Sequence[Rendered], *, items_per_forward: int
    ) -> list[np.ndarray | ApiError]:
        """Return the vector (D,) of each item, or why it has none.

        Items of one shape share a forward, whichever request they are of; if a forward fails, its
        items are tried one by one.
        """
        found: list[np.ndarray | ApiError] = [_MISSING] * len(items)
        for places in _groups(items, size=items_per_forward):
            outcomes = self._together([items[place] for place in places])
            for place, outcome in zip(places, outcomes, strict=True):
                found[place] = outcome
        return found

    def _together(self, items: Sequence[Rendered]) -> list[np.ndarray | ApiError]:
        try:
            return [_checked(z_D) for z_D in self._forward(items)]
        except Exception:
            log.exception("a forward of %d items failed", len(items))
            if len(items) == 1:
                return [_MISSING]
            return [self._together([item])[0] for item in items]

    def _forward(self, items: Sequence[Rendered]) -> Vectors:
        names = items[0].inputs
        inputs = {
            name: torch.from_numpy(np.concatenate([item.inputs[name] for item in items]))
            for name in names
        }
        return self.encoder.embed_rendered(inputs, modality=items[0].modality)


_MISSING = ApiError(422, "not_embedded", "the model cannot embed this item")


def _groups(items: Sequence[Rendered], *, size: int) -> Iterator[list[int]]:
    """Yield the places of items of one shape, at most ``size`` at once."""
    by_shape: dict[tuple[object, ...], list[int]] = {}
    for place, item in enumerate(items):
        by_shape.setdefault(item.shape, []).append(place)
    for places in by_shape.values():
        for start in range(0, len(places), size):
            yield places[start : start + size]


def _checked(z_D: np.ndarray) -> np.ndarray | ApiError:
    return z_D if bool(np.isfinite(z_D).all()) else _MISSING

"""From items to what a model takes: CPU work, no weights.

Each item is rendered alone, so that a bad one spoils no other; those of one shape are joined again
before the forward.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from samesense.artefact.folder import load_artefact
from samesense.corpus.decode import Rejected, decode
from samesense.encoder.options import Modality
from samesense.encoder.towers.build import build_renderer
from samesense.encoder.towers.tower import Renderer
from samesense.serving.errors import ApiError, of_rejected
from samesense.serving.items import Picture, Text
from samesense.serving.options import LimitOptions

MODELS_AT_ONCE = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rendered:
    """One item, ready for a forward."""

    modality: Modality
    inputs: dict[str, NDArray[Any]]
    """Arrays, as they go from process to process without a copy."""

    @classmethod
    def of(cls, modality: Modality, tensors: dict[str, Tensor]) -> "Rendered":
        """Hold what a renderer gives for one item."""
        return cls(modality, {name: tensor.numpy() for name, tensor in tensors.items()})

    @property
    def tokens(self) -> int:
        """How many tokens the model reads for it."""
        return int(self.inputs["input_ids"].shape[-1]) if "input_ids" in self.inputs else 0

    @property
    def shape(self) -> tuple[object, ...]:
        """What items have in common that can be joined."""
        arrays = sorted(self.inputs.items())
        return self.modality, *((name, a.shape, a.dtype.str) for name, a in arrays)


@dataclass(frozen=True)
class Renderings:
    """A request's items, rendered or refused, and the seconds that it took."""

    items: list[Rendered | ApiError]
    seconds: float


def render(
    items: Sequence[Text | Picture], *, params: Sequence[str], model: str, limits: LimitOptions
) -> Renderings:
    """Render items for the model in a folder; ``params`` are their names in the request.

    An item that gives nothing becomes the refusal that tells why.

    Raises:
        ArtefactError: if the folder is no model.
    """
    started = time.perf_counter()
    rendered = [
        _render(item, param=param, model=model, limits=limits)
        for item, param in zip(items, params, strict=True)
    ]
    return Renderings(rendered, time.perf_counter() - started)


def _render(
    item: Text | Picture, *, param: str, model: str, limits: LimitOptions
) -> Rendered | ApiError:
    modality: Modality = "text" if isinstance(item, Text) else "image"
    renderer = renderer_of(model, modality)
    if renderer is None:
        return ApiError(422, "modality", f"{param}: this model embeds no {modality}", param)
    source = item if isinstance(item, Text) else decode(item.data, limits=limits.image)
    if isinstance(source, Rejected):
        return of_rejected(source, param=param)
    try:
        if isinstance(source, Text):
            return Rendered.of(modality, renderer.prepare_texts([source.words]))
        return Rendered.of(modality, renderer.prepare_images([source]))
    except Exception:  # whatever a tokenizer or an image processor raises on what it cannot take
        log.exception("%s could not be rendered", param)
        return ApiError(422, "not_rendered", f"{param}: the model cannot take this item", param)


@lru_cache(maxsize=2 * MODELS_AT_ONCE)
def renderer_of(model: str, modality: Modality) -> Renderer | None:
    """Return a model's renderer, or None if it does not take this modality.

    Raises:
        ArtefactError: if the folder is no model.
    """
    recipe = load_artefact(model).recipe
    if modality not in recipe.vector:
        return None
    return build_renderer(recipe.towers()[recipe.views[recipe.vector[modality]].blocks[0]])

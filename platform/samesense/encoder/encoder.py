"""The one way from items to vectors: training, bulk embedding and search all call this.

Shapes: B items of a forward, N items, D width.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from samesense.core.errors import ModelError
from samesense.core.hashing import hash_json
from samesense.corpus.decode import Rejected, upright_rgb
from samesense.encoder.options import EncoderOptions, Modality
from samesense.encoder.towers.weights import hash_weights

if TYPE_CHECKING:
    from samesense.encoder.towers.tower import Renderer, Tower

Vectors = NDArray[np.float32]
IMAGES_PER_FORWARD = 32


class Encoder(nn.Module):
    """Blocks, and the views that chain them from an item to a unit vector."""

    def __init__(
        self,
        options: EncoderOptions,
        *,
        blocks: Mapping[str, nn.Module],
        tower_widths: Mapping[str, int],
        widths: Mapping[str, int],
        tower_fingerprints: Mapping[str, str] | None = None,
        backbone_fingerprints: Mapping[str, str] | None = None,
    ) -> None:
        """Join blocks; fingerprints are given for towers that are left out of ``blocks``.

        ``widths`` are those of the views' vectors.
        """
        super().__init__()
        self.options = options
        self.blocks = nn.ModuleDict(blocks)
        self.tower_widths = dict(tower_widths)
        self.widths = dict(widths)
        self._tower_fingerprints = dict(tower_fingerprints or {})
        self._backbone_fingerprints = dict(backbone_fingerprints or {})
        self.eval()

    def tower_vectors(
        self, view: str, *, inputs: Mapping[str, Tensor], adapter: bool = True
    ) -> Tensor:
        """Return the tower vectors h (B, D) of rendered items, not normalised.

        A pool of M layers gives (B, M·D). An adapter takes part where the view and the caller
        want it.
        """
        prefix = self.options.prefix(view)
        tower: Any = self.blocks[prefix[0]]
        adapted = adapter and self.options.reads_adapter(view)
        x: Any = inputs
        with nullcontext() if adapted else tower.without_adapter():
            x = tower(x)
        for name in prefix[1:]:
            x = self.blocks[name](x)
        h_BD: Tensor = x.float()
        return h_BD

    def after_tower(self, view: str, *, h_BD: Tensor) -> Tensor:
        """Return the view's unit vectors z (B, D) from tower vectors."""
        for name in self.options.views[view].blocks[len(self.options.prefix(view)) :]:
            h_BD = self.blocks[name](h_BD)
        return F.normalize(h_BD, dim=-1)

    def learned(self) -> dict[str, Tensor]:
        """Return by name the tensors of the blocks that take nothing: what only losses read."""
        return {n: self.blocks[n]() for n, b in self.options.blocks.items() if b.takes == "nothing"}

    def unaligned(self, h_ND: Vectors, *, modality: Modality = "image") -> Vectors:
        """Return the unit vectors (N, D) of tower vectors as they are: the unaligned baseline.

        Of several layers' states it is the last layer's.
        """
        tower = self.options.views[self._view(modality)].blocks[0]
        last_ND = h_ND[:, -self.tower_widths[tower] :]
        unit_ND: Vectors = last_ND / np.linalg.norm(last_ND, axis=1, keepdims=True)
        return unit_ND.astype(np.float32)

    def embed_images(
        self, images: Sequence[Image.Image], *, images_per_forward: int = IMAGES_PER_FORWARD
    ) -> Vectors:
        """Return unit vectors (N, D) of pictures of any size, each as it looks.

        EXIF orientation, transparency and 16-bit greys are treated as in a corpus.

        Raises:
            ModelError: if the recipe embeds no images, or a picture's mode has no agreed white.
        """
        pictures = [_as_it_looks(image, place=place) for place, image in enumerate(images)]
        prepare = self.renderer("image").prepare_images
        return self._embed("image", pictures, prepare, images_per_forward)

    def embed_texts(
        self, texts: Sequence[str], *, texts_per_forward: int = IMAGES_PER_FORWARD
    ) -> Vectors:
        """Return unit vectors (N, D) of texts.

        Raises:
            ModelError: if the recipe embeds no texts.
            TypeError: if given one text, whose letters would be taken for texts.
        """
        if isinstance(texts, str):
            raise TypeError("embed_texts takes a list of texts; for one text give [text]")
        prepare = self.renderer("text").prepare_texts
        return self._embed("text", list(texts), prepare, texts_per_forward)

    def embed_rendered(self, inputs: Mapping[str, Tensor], *, modality: Modality) -> Vectors:
        """Return unit vectors (B, D) of what this modality's renderer has prepared.

        Raises:
            ModelError: if the recipe embeds no such items.
        """
        view = self._view(modality)
        with torch.inference_mode():
            h_BD = self.tower_vectors(view, inputs=inputs)
            z_BD: Vectors = self.after_tower(view, h_BD=h_BD).cpu().numpy()
        return z_BD

    def align_vectors(self, h_ND: Vectors, *, modality: Modality = "image") -> Vectors:
        """Return unit vectors (N, D) from tower vectors, such as a cache holds."""
        with torch.inference_mode():
            device = next((p.device for p in self.parameters()), torch.device("cpu"))
            h = torch.from_numpy(np.ascontiguousarray(h_ND)).to(device)
            z_ND: Vectors = self.after_tower(self._view(modality), h_BD=h).cpu().numpy()
        return z_ND

    def renderer(self, modality: Modality) -> "Renderer":
        """Return what prepares this modality's items for its tower."""
        return self.tower(modality).renderer

    def tower(self, modality: Modality = "image") -> "Tower":
        """Return the tower that reads this modality.

        Raises:
            ModelError: if it was left out.
        """
        name = self.options.views[self._view(modality)].blocks[0]
        if name not in self.blocks:
            raise ModelError(f"tower '{name}' is not loaded; this encoder only aligns vectors")
        tower: Any = self.blocks[name]
        found: Tower = tower
        return found

    def tower_fingerprint(self, view: str | None = None, *, adapter: bool = True) -> str:
        """Return the hash of everything that shapes a view's tower vectors: the key of a cache.

        By default of the view that stands for images.
        """
        view = view or self._view("image")
        adapted = adapter and self.options.reads_adapter(view)
        return hash_json(self._chain_fingerprints(self.options.prefix(view), adapter=adapted))

    @property
    def fingerprint(self) -> str:
        """Hash of everything that shapes a vector. Vectors of different fingerprints never meet."""
        chains = {
            modality: self._chain_fingerprints(
                self.options.views[view].blocks, adapter=self.options.reads_adapter(view)
            )
            for modality, view in self.options.vector.items()
        }
        return hash_json(chains)

    def tower_fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of each tower by its block's name."""
        return {name: self._tower_fingerprint(name, adapter=True) for name in self.options.towers()}

    def backbone_fingerprints(self) -> dict[str, str]:
        """Return, by block, the fingerprint of each tower with an adapter as it is without."""
        return {
            name: self._tower_fingerprint(name, adapter=False)
            for name in self.options.adapted_towers()
        }

    def _tower_fingerprint(self, name: str, *, adapter: bool) -> str:
        plain = not adapter and name in self.options.adapted_towers()
        given = self._backbone_fingerprints if plain else self._tower_fingerprints
        if name in given:
            return given[name]
        tower: Any = self.blocks[name]
        return hash_json(tower.identity(adapter=adapter))

    def _chain_fingerprints(self, chain: Sequence[str], *, adapter: bool) -> list[str]:
        tower, *others = chain
        return [
            self._tower_fingerprint(tower, adapter=adapter),
            *(self._block_fingerprint(name) for name in others),
        ]

    def _block_fingerprint(self, name: str) -> str:
        options = self.options.blocks[name].model_dump(mode="json")
        return hash_json({"options": options, "weights": hash_weights(self.blocks[name])})

    def _view(self, modality: Modality) -> str:
        if modality not in self.options.vector:
            known = ", ".join(self.options.vector)
            raise ModelError(f"this model embeds no {modality} (only: {known})")
        return self.options.vector[modality]

    def _embed(
        self, modality: Modality, items: list[Any], prepare: Any, per_forward: int
    ) -> Vectors:
        parts = [np.zeros((0, self.widths[self._view(modality)]), dtype=np.float32)]
        for start in range(0, len(items), per_forward):
            inputs = prepare(items[start : start + per_forward])
            parts.append(self.embed_rendered(inputs, modality=modality))
        return np.concatenate(parts)


def _as_it_looks(image: Image.Image, *, place: int) -> Image.Image:
    picture = upright_rgb(image)
    if isinstance(picture, Rejected):
        raise ModelError(f"image {place}: {picture.detail}; scale it to 8 bits, such as mode L")
    return picture

"""What every tower is: a pretrained model with its rendering, and an identity."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn

from samesense.encoder.render.clip import ClipRenderer
from samesense.encoder.render.mllm import MllmRenderer
from samesense.encoder.towers.weights import hash_config, hash_tensors

Renderer = MllmRenderer | ClipRenderer


class Tower(nn.Module):
    """A loaded model; it starts in evaluation mode."""

    def __init__(self, model: Any, *, renderer: Renderer, source: str, width: int) -> None:
        """Wrap a model from ``source`` that gives vectors of ``width``."""
        super().__init__()
        self.model = model
        self.renderer = renderer
        self.source = source
        self.width = width
        self.eval()

    @property
    def has_adapter(self) -> bool:
        """Whether there are weights beside the model's own."""
        return False

    def without_adapter(self) -> AbstractContextManager[None]:
        """Return a context in which the model computes with its own weights alone."""
        return nullcontext()

    def merge_adapter(self) -> None:
        """Add an adapter, if there is one, to the model's own weights, for good."""

    def own_weights(self) -> dict[str, Tensor]:
        """Return the model's own weights and buffers by name."""
        weights: dict[str, Tensor] = self.model.state_dict()
        return weights

    def prepare_images(self, images: Sequence[Image.Image]) -> dict[str, Tensor]:
        """Render images into the tensors that this tower takes."""
        return self.renderer.prepare_images(images)

    def prepare_texts(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Render texts into the tensors that this tower takes."""
        return self.renderer.prepare_texts(texts)

    def weights_hash(self) -> str:
        """Return the hash of the model's own weights, the same in whatever folder they lie."""
        return hash_tensors(self.own_weights())

    def identity(self, *, adapter: bool = True) -> dict[str, Any]:
        """Return everything of the tower that shapes a vector, as JSON values.

        Without its adapter, or with one that adds nothing yet, a tower is the same as one that
        never had any.
        """
        return {
            "architecture": hash_config(self.model.config),
            "weights": self.weights_hash(),
            "precision": str(self.model.dtype).removeprefix("torch."),
            "rendering": self.renderer.identity(),
        }

    def save(self, folder: Path) -> None:
        """Write model, tokenizer and image processor; the folder loads with the same options.

        An adapter stays behind.
        """
        self.model.save_pretrained(folder)
        self.renderer.save(folder)

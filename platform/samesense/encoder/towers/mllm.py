"""A generative image-text model as a tower. Shapes: B items, L positions, D width."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText

from samesense.encoder.render.mllm import MllmRenderer
from samesense.encoder.tokens import Tokens
from samesense.encoder.towers.loading import load_weights
from samesense.encoder.towers.options import MllmTowerOptions
from samesense.encoder.towers.placing import placed
from samesense.encoder.towers.weights import hash_config, hash_weights


class MllmTower(nn.Module):
    """Any image-text model of transformers, read at its last layer.

    The language-model head is never computed: an embedding has no use for a score of every word.
    """

    gives: Literal["tokens"] = "tokens"

    def __init__(self, model: Any, *, renderer: MllmRenderer, source: str) -> None:
        """Wrap a loaded model; it starts in evaluation mode."""
        super().__init__()
        self.model = model
        self.renderer = renderer
        self.source = source
        self.width: int = model.config.get_text_config().hidden_size
        self.eval()

    @classmethod
    def load(cls, options: MllmTowerOptions) -> "MllmTower":
        """Load weights and rendering.

        Raises:
            ModelError: saying which part of which model failed, why and what to do.
        """
        renderer = MllmRenderer.load(options)
        model = load_weights(AutoModelForImageTextToText, options)
        return cls(model, renderer=renderer, source=options.model)

    def prepare_images(self, images: Sequence[Image.Image]) -> dict[str, Tensor]:
        """Render images, see ``MllmRenderer.prepare_images``."""
        return self.renderer.prepare_images(images)

    def prepare_texts(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Render texts, see ``MllmRenderer.prepare_texts``."""
        return self.renderer.prepare_texts(texts)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tokens:
        """Return the states after the last layer and the final norm, (B, L, D), and the mask."""
        ready = placed(inputs, beside=self.model)
        mask_BL = ready["attention_mask"]
        if "mm_token_type_ids" not in ready:
            # Positions count from an item's first real token, whatever its neighbours' lengths.
            # Families with positions in space and time work theirs out from the token types.
            ready["position_ids"] = (mask_BL.long().cumsum(dim=1) - 1).clamp(min=0)
        states_BLD = self.model.base_model(**ready, use_cache=False).last_hidden_state
        return Tokens(states_BLD=states_BLD, mask_BL=mask_BL)

    def weights_hash(self) -> str:
        """Return the hash of the weights, the same in whatever folder they lie."""
        return hash_weights(self.model)

    def identity(self) -> dict[str, Any]:
        """Return everything of the tower that shapes a vector, as JSON values."""
        return {
            "architecture": hash_config(self.model.config),
            "weights": self.weights_hash(),
            "precision": str(next(self.model.parameters()).dtype).removeprefix("torch."),
            "rendering": self.renderer.identity(),
        }

    def save(self, folder: Path) -> None:
        """Write model, tokenizer and image processor; the folder loads with the same options."""
        self.model.save_pretrained(folder)
        self.renderer.save(folder)

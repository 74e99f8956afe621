"""A dual encoder as a tower. Shapes: B items, D width of the joint space."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import AutoModel

from samesense.encoder.render.clip import ClipRenderer
from samesense.encoder.render.loading import load_config
from samesense.encoder.towers.loading import load_weights
from samesense.encoder.towers.options import ClipTowerOptions
from samesense.encoder.towers.placing import placed
from samesense.encoder.towers.quick_gelu import spare_memory
from samesense.encoder.towers.tower import Tower

NEW_ROW_STD = 0.02
NEW_ROW_SEED = 0


class ClipTower(Tower):
    """CLIP or SigLIP with its projections. Its temperature takes no part here."""

    gives: Literal["vector"] = "vector"

    def __init__(self, model: Any, *, renderer: ClipRenderer, source: str) -> None:
        """Wrap a loaded model."""
        super().__init__(model, renderer=renderer, source=source, width=_joint_width(model.config))

    @classmethod
    def load(cls, options: ClipTowerOptions) -> "ClipTower":
        """Load weights and rendering, and give every new term a row of the token table.

        Raises:
            ModelError: saying which part of which model failed, why and what to do.
        """
        renderer = ClipRenderer.load(options)
        config = load_config(options.model, revision=options.revision)
        _mend_end_token(config, renderer.tokenizer)
        model = load_weights(AutoModel, options, config=config)
        _grow_token_table(model, renderer)
        spare_memory(model)
        return cls(model, renderer=renderer, source=options.model)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return projected vectors (B, D), not normalised, of images or of texts."""
        ready = placed(inputs, beside=self.model)
        if "pixel_values" in ready:
            features = self.model.get_image_features(**ready)
        else:
            features = self.model.get_text_features(**ready)
        z_BD: Tensor = features.pooler_output
        return z_BD


def _joint_width(config: Any) -> int:
    if config.model_type == "siglip":
        return int(config.vision_config.hidden_size)
    return int(config.projection_dim)


def _mend_end_token(config: Any, tokenizer: Any) -> None:
    """Let CLIP read its text vector at the end token.

    Old checkpoints name 2, which transformers takes as "the largest id". A new word has a larger
    id than the end token: the vector would be read there and miss all that follows.
    """
    if config.model_type == "clip":
        config.text_config.eos_token_id = tokenizer.eos_token_id


def _grow_token_table(model: Any, renderer: ClipRenderer) -> None:
    """Draw the rows of new terms from N(0, 0.02²), the same ones every time."""
    if not renderer.new_terms:
        return
    ids = renderer.tokenizer.convert_tokens_to_ids(list(renderer.new_terms))
    table = model.text_model.get_input_embeddings()
    if max(ids) >= table.num_embeddings:
        # The whole CLIP model refuses to be resized; its text model does not.
        table = model.text_model.resize_token_embeddings(max(ids) + 1, mean_resizing=False)
    draw = torch.Generator().manual_seed(NEW_ROW_SEED)
    rows = torch.randn(len(ids), table.embedding_dim, generator=draw) * NEW_ROW_STD
    with torch.no_grad():
        table.weight[ids] = rows.to(table.weight)
    model.config.text_config.vocab_size = table.num_embeddings

"""A generative image-text model as a tower. Shapes: B items, L positions, D width."""

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor
from transformers import AutoModelForImageTextToText

from samesense.encoder.render.mllm import MllmRenderer
from samesense.encoder.tokens import Tokens
from samesense.encoder.towers.loading import load_weights
from samesense.encoder.towers.options import MllmTowerOptions
from samesense.encoder.towers.placing import placed
from samesense.encoder.towers.tower import Tower


class MllmTower(Tower):
    """Any image-text model of transformers, read at its last layer.

    The language-model head is never computed: an embedding has no use for a score of every word.
    """

    gives: Literal["tokens"] = "tokens"

    def __init__(self, model: Any, *, renderer: MllmRenderer, source: str) -> None:
        """Wrap a loaded model."""
        super().__init__(
            model,
            renderer=renderer,
            source=source,
            width=model.config.get_text_config().hidden_size,
        )

    @classmethod
    def load(cls, options: MllmTowerOptions) -> "MllmTower":
        """Load weights and rendering.

        Raises:
            ModelError: saying which part of which model failed, why and what to do.
        """
        renderer = MllmRenderer.load(options)
        model = load_weights(AutoModelForImageTextToText, options)
        return cls(model, renderer=renderer, source=options.model)

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

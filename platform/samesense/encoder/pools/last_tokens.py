"""The last-token pool over several layers. Shapes: B items, L positions, D width, M layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from samesense.encoder.pools.last_token import at_last_position
from samesense.encoder.tokens import Tokens


class LastTokens(nn.Module):
    """[h_1 … h_M]: the last real position's states after M layers. M × (B, L, D) → (B, M·D).

    They lie in one row, so that a cache keeps them as it keeps one vector. The last D numbers are
    the last layer's, as ``last_token`` gives them.
    """

    def __init__(self, *, layers: Sequence[int]) -> None:
        super().__init__()
        self.layers = tuple(layers)

    def forward(self, tokens: Tokens) -> Tensor:
        """Return (B, M·D), not normalised."""
        states = [
            at_last_position(tokens.layers[layer], mask_BL=tokens.mask_BL) for layer in self.layers
        ]
        return torch.cat(states, dim=1)

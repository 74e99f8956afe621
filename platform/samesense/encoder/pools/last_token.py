"""The last-token pool. Shapes: B items, L positions, D width."""

import torch
from torch import Tensor, nn

from samesense.encoder.tokens import Tokens


class LastToken(nn.Module):
    """z = state of the last real position, for padding on either side. (B, L, D) → (B, D).

    In a causal model it is the only position that has seen the whole input; a prompt that ends in
    "in one word:" makes it say what the input shows.
    Source: Jiang et al. 2024, "E5-V: Universal Embeddings with Multimodal Large Language Models".
    """

    def forward(self, tokens: Tokens) -> Tensor:
        """Return (B, D), not normalised."""
        return at_last_position(tokens.states_BLD, mask_BL=tokens.mask_BL)


def at_last_position(states_BLD: Tensor, *, mask_BL: Tensor) -> Tensor:
    """Return the states (B, D) of the last real position."""
    positions_L = torch.arange(mask_BL.shape[1], device=mask_BL.device)
    last_B = (positions_L * mask_BL.bool()).argmax(dim=1)
    rows_B = torch.arange(len(last_B), device=last_B.device)
    return states_BLD[rows_B, last_B]

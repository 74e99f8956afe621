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
        length = tokens.mask_BL.shape[1]
        positions_L = torch.arange(length, device=tokens.mask_BL.device)
        last_B = (positions_L * tokens.mask_BL.bool()).argmax(dim=1)
        rows_B = torch.arange(len(last_B), device=last_B.device)
        return tokens.states_BLD[rows_B, last_B]

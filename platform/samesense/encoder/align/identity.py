"""The unaligned baseline."""

from torch import Tensor, nn


class Identity(nn.Module):
    """Return the tower's vector as it is. Shape (B, D) → (B, D)."""

    def forward(self, h_BD: Tensor) -> Tensor:
        """Return ``h_BD``."""
        return h_BD

"""One vector out of several layers' states. Shapes: B items, D width, M layers."""

from torch import Tensor, nn


class LastLayer(nn.Module):
    """h_M: the last of M states. (B, M·D) → (B, D)."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, h_BMD: Tensor) -> Tensor:
        """Return (B, D), what the ``last_token`` pool gives."""
        return h_BMD[:, -self.width :]

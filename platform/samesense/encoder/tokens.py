"""What a token tower gives: the states of a batch of sequences and which positions are real.

Shapes: B items, L positions, D width.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Tokens:
    """States after the tower's last layer and final norm."""

    states_BLD: Tensor
    """One state a position, padding included."""
    mask_BL: Tensor
    """1 where a position is real, 0 where it is padding, on the left or on the right."""
    layers: Mapping[int, Tensor] = field(default_factory=dict)
    """States (B, L, D) after those layers that a pool asks for, counted from the last, −1."""

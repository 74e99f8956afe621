"""bfloat16 in numpy: the upper half of a float32, rounded to the nearest, ties to even.

numpy has no such type, so the 16 bits travel as uint16. The rounding equals that of torch.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

HALF = np.uint32(0x7FFF)
ONE = np.uint32(1)
SHIFT = np.uint32(16)


def to_bfloat16(z: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Return the bfloat16 bits of finite float32 values, in the same shape."""
    bits = np.ascontiguousarray(z, dtype=np.float32).view(np.uint32)
    even = (bits >> SHIFT) & ONE
    rounded: npt.NDArray[Any] = (bits + HALF + even) >> SHIFT
    return rounded.astype(np.uint16)


def from_bfloat16(bits: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Return the float32 values of bfloat16 bits; exact, in the same shape."""
    return (bits.astype(np.uint32) << SHIFT).view(np.float32)

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from samesense.vectors.bfloat16 import from_bfloat16, to_bfloat16

# 1 + 2**-8 lies midway between 1.0 (0x3F80, even) and 1 + 2**-7 (0x3F81, odd).
TIES = {1 + 2**-8: 0x3F80, 1 + 3 * 2**-8: 0x3F82, -(1 + 2**-8): 0xBF80, 1 + 2**-8 + 2**-20: 0x3F81}


def test_ties_go_to_the_even_neighbour() -> None:
    bits = to_bfloat16(np.array(list(TIES), dtype=np.float32))
    assert bits.tolist() == list(TIES.values())


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_rounds_like_torch(values: list[float]) -> None:
    z = np.array(values, dtype=np.float32)
    expected = torch.from_numpy(z).to(torch.bfloat16).to(torch.float32).numpy()
    np.testing.assert_array_equal(from_bfloat16(to_bfloat16(z)), expected)


def test_every_bfloat16_comes_back_as_itself() -> None:
    bits = np.arange(2**16, dtype=np.uint16)
    finite = bits[np.isfinite(from_bfloat16(bits))]
    np.testing.assert_array_equal(to_bfloat16(from_bfloat16(finite)), finite)

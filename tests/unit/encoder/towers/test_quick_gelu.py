"""CLIP's activation: the library's numbers, in less memory."""

import pytest
import torch
from transformers.activations import QuickGELUActivation

from samesense.encoder.towers.quick_gelu import PER_SLICE, QuickGelu

SHAPES = [(0, 3), (2, 3), (3, PER_SLICE // 2 + 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_gives_what_the_librarys_gives_in_the_memory_of_its_input(
    shape: tuple[int, ...],
) -> None:
    h = 10 * torch.randn(shape)
    expected = QuickGELUActivation()(h)
    found = QuickGelu()(h)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert found.data_ptr() == h.data_ptr()


def test_what_is_learned_from_is_left_as_it_was() -> None:
    given = torch.randn(4, 5)
    h, theirs = given.clone().requires_grad_(), given.clone().requires_grad_()
    QuickGelu()(h).sum().backward()
    QuickGELUActivation()(theirs).sum().backward()
    torch.testing.assert_close(h.detach(), given, rtol=0, atol=0)
    torch.testing.assert_close(h.grad, theirs.grad, rtol=0, atol=0)


def test_a_view_of_other_strides_is_left_as_it_was() -> None:
    given = torch.randn(4, 6)
    kept = given.clone()
    found = QuickGelu()(given[:, ::2])
    torch.testing.assert_close(given, kept, rtol=0, atol=0)
    torch.testing.assert_close(found, QuickGELUActivation()(kept[:, ::2]), rtol=0, atol=0)

import torch

from samesense.encoder.pools.last_token import LastToken
from samesense.encoder.tokens import Tokens


def pool(mask: list[list[int]]) -> list[list[float]]:
    states = torch.arange(2 * 3 * 2, dtype=torch.float32).reshape(2, 3, 2)
    return LastToken()(Tokens(states_BLD=states, mask_BL=torch.tensor(mask))).tolist()


def test_left_padding_reads_the_last_position() -> None:
    assert pool([[0, 1, 1], [1, 1, 1]]) == [[4, 5], [10, 11]]


def test_right_padding_reads_the_last_real_position() -> None:
    assert pool([[1, 1, 0], [1, 0, 0]]) == [[2, 3], [6, 7]]


def test_gradient_reaches_only_the_position_that_is_read() -> None:
    states = torch.ones(1, 3, 2, requires_grad=True)
    LastToken()(Tokens(states_BLD=states, mask_BL=torch.tensor([[0, 1, 1]]))).sum().backward()
    assert states.grad is not None
    assert states.grad.tolist() == [[[0, 0], [0, 0], [1, 1]]]

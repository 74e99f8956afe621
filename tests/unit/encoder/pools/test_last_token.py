import pytest
import torch
from pydantic import ValidationError

from samesense.encoder.pools.last_layer import LastLayer
from samesense.encoder.pools.last_token import LastToken
from samesense.encoder.pools.last_tokens import LastTokens
from samesense.encoder.pools.options import LastTokensOptions
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


def test_states_of_several_layers_lie_behind_one_another_and_the_last_one_last() -> None:
    states = {layer: torch.full((2, 3, 2), float(layer)) for layer in (-3, -2, -1)}
    states[-1] = torch.arange(12.0).reshape(2, 3, 2)
    tokens = Tokens(
        states_BLD=states[-1], mask_BL=torch.tensor([[0, 1, 1], [1, 1, 0]]), layers=states
    )
    rows = LastTokens(layers=(-3, -1))(tokens)
    assert rows.tolist() == [[-3, -3, 4, 5], [-3, -3, 8, 9]]
    assert torch.equal(LastLayer(width=2)(rows), LastToken()(tokens))


@pytest.mark.parametrize("layers", [(-2,), (-1, -2), (-2, -2, -1), (-1, 0), ()])
def test_layers_that_do_not_rise_to_the_last_are_refused(layers: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError):
        LastTokensOptions(kind="last_tokens", layers=layers)

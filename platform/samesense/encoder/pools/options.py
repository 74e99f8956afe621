"""Options of the pools."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from samesense.core.options import Options


def _rising_to_the_last(layers: tuple[int, ...]) -> tuple[int, ...]:
    if layers[-1] != -1 or sorted(set(layers)) != list(layers):
        raise ValueError("layers count from the last, rise, and end with -1, such as [-3, -2, -1]")
    return layers


class LastTokenOptions(Options):
    """The state of the last real position, which has attended to the whole sequence."""

    takes: ClassVar[str] = "tokens"
    gives: ClassVar[str] = "vector"
    kind: Literal["last_token"]


class LastTokensOptions(Options):
    """The states of the last real position after several layers, one behind the other."""

    takes: ClassVar[str] = "tokens"
    gives: ClassVar[str] = "states"
    kind: Literal["last_tokens"]
    layers: Annotated[tuple[int, ...], AfterValidator(_rising_to_the_last)] = Field(
        default=(-4, -3, -2, -1), min_length=1
    )
    """Which layers, counted from the last, −1, which is always among them."""


class LastLayerOptions(Options):
    """Of the states of several layers the last one: what ``last_token`` gives."""

    takes: ClassVar[str] = "states"
    gives: ClassVar[str] = "vector"
    kind: Literal["last_layer"]

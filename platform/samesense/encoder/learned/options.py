"""Options of the learned tensors that losses read."""

from typing import ClassVar, Literal

from pydantic import Field

from samesense.core.options import Options


class TemperatureOptions(Options):
    """A learned temperature: exp(−s), where s is trained and clamped."""

    takes: ClassVar[str] = "nothing"
    gives: ClassVar[str] = "scalar"
    kind: Literal["temperature"]
    initial: float = Field(default=0.07, gt=0)
    """The temperature at the start."""
    lowest: float = Field(default=0.01, gt=0)
    """The temperature never falls below this (CLIP clamps its logit scale at ln 100)."""


class PrototypesOptions(Options):
    """A learned unit vector for every concept or every domain of the training data."""

    takes: ClassVar[str] = "nothing"
    kind: Literal["prototypes"]
    of: Literal["concept", "domain"]
    """What each row stands for."""
    count: int | None = Field(default=None, ge=1)
    """How many rows; training fills it in from its data."""

    @property
    def gives(self) -> str:
        """The kind of its rows."""
        return f"{self.of}s"


class VariancesOptions(Options):
    """A learned variance for every entry of a vector."""

    takes: ClassVar[str] = "nothing"
    gives: ClassVar[str] = "variances"
    kind: Literal["variances"]
    initial: float = Field(default=0.1, gt=0)
    """The variances at the start."""


LearnedOptions = TemperatureOptions | PrototypesOptions | VariancesOptions

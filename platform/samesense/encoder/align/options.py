"""Options of the alignment modules. Every module starts at or near the identity."""

from typing import ClassVar, Literal

from pydantic import Field

from samesense.core.options import Options


class IdentityOptions(Options):
    """z = h: the unaligned baseline that every report shows."""

    takes: ClassVar[str] = "vector"
    gives: ClassVar[str] = "vector"
    kind: Literal["identity"]


class LinearOptions(Options):
    """z = W h + b, where W starts as the identity."""

    takes: ClassVar[str] = "vector"
    gives: ClassVar[str] = "vector"
    kind: Literal["linear"]


class MlpOptions(Options):
    """z = W2 GELU(LN(W1 h)): no skip connection."""

    takes: ClassVar[str] = "vector"
    gives: ClassVar[str] = "vector"
    kind: Literal["mlp"]
    hidden: int = Field(default=512, ge=1)
    """Width of the hidden layer."""


class ResidualOptions(Options):
    """z = h + a · W_up GELU(W_down LN(h)): a bottleneck adapter whose W_up starts at zero."""

    takes: ClassVar[str] = "vector"
    gives: ClassVar[str] = "vector"
    kind: Literal["residual"]
    rank: int = Field(default=256, ge=1)
    """Width of the bottleneck."""
    scale: float = Field(default=1.0, gt=0)
    """The factor a."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of bottleneck units dropped in training."""


class GatedOptions(Options):
    """z = h + sigmoid(W_g h) ⊙ f(h), where f is the residual module's bottleneck."""

    takes: ClassVar[str] = "vector"
    gives: ClassVar[str] = "vector"
    kind: Literal["gated"]
    rank: int = Field(default=256, ge=1)
    """Width of the bottleneck f."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of bottleneck units dropped in training."""


class DomainWhitenOptions(Options):
    """z = h W + b in closed form: the domains' means coincide, or all entries are whitened."""

    takes: ClassVar[str] = "vector"
    gives: ClassVar[str] = "vector"
    kind: Literal["domain_whiten"]
    variant: Literal["remove", "pca"] = "remove"
    """Remove the subspace in which the means of the domains differ, or whiten."""
    shrinkage: float = Field(default=0.1, gt=0, le=1)
    """How far ``pca`` draws the covariance towards a multiple of the identity."""


class ReverseOptions(Options):
    """The identity, whose gradient is reversed: what follows it is a critic of what precedes."""

    takes: ClassVar[str] = "vector"
    gives: ClassVar[str] = "vector"
    kind: Literal["reverse"]
    strength: float = Field(default=1.0, gt=0)
    """Factor on the reversed gradient."""


AlignOptions = (
    IdentityOptions
    | LinearOptions
    | MlpOptions
    | ResidualOptions
    | GatedOptions
    | DomainWhitenOptions
    | ReverseOptions
)

"""The encoder as data: named blocks, and views that chain them from an item to a unit vector."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from samesense.core.options import Options
from samesense.encoder.align.options import (
    GatedOptions,
    IdentityOptions,
    LinearOptions,
    MlpOptions,
    ResidualOptions,
)
from samesense.encoder.pools.options import LastTokenOptions
from samesense.encoder.towers.options import ClipTowerOptions, MllmTowerOptions


class TemperatureOptions(Options):
    """A learned temperature: exp(−s), where s is trained and clamped."""

    takes: ClassVar[str] = "nothing"
    gives: ClassVar[str] = "scalar"
    kind: Literal["temperature"]
    initial: float = Field(default=0.07, gt=0)
    """The temperature at the start."""
    lowest: float = Field(default=0.01, gt=0)
    """The temperature never falls below this (CLIP clamps its logit scale at ln 100)."""


Device = Literal["auto", "cpu", "gpu"]
"""What a process computes on: ``auto`` is a GPU of its own where there are enough, else the CPU."""

TowerOptions = MllmTowerOptions | ClipTowerOptions
Block = Annotated[
    MllmTowerOptions
    | ClipTowerOptions
    | LastTokenOptions
    | IdentityOptions
    | LinearOptions
    | MlpOptions
    | ResidualOptions
    | GatedOptions
    | TemperatureOptions,
    Field(discriminator="kind"),
]
Modality = Literal["image", "text"]


class ViewOptions(Options):
    """A chain of blocks from one modality of an item to a unit vector."""

    input: Modality
    """Which part of the item enters the first block."""
    blocks: tuple[str, ...] = Field(min_length=1)
    """Names of blocks, in the order in which they apply."""


class EncoderOptions(Options):
    """Blocks, the views made of them, and which view answers for which modality."""

    blocks: dict[str, Block]
    """Block name → block."""
    views: dict[str, ViewOptions]
    """View name → chain of blocks."""
    vector: dict[Modality, str]
    """Modality → the view whose vector stands for it when embedding, indexing and searching."""

    def towers(self) -> dict[str, TowerOptions]:
        """Return the blocks that are towers, by name."""
        return {name: b for name, b in self.blocks.items() if isinstance(b, TowerOptions)}

    def prefix(self, view: str) -> tuple[str, ...]:
        """Return the view's leading blocks up to the first that gives a vector.

        What they give is the *tower vector*: all that a frozen tower has to say about an item.
        """
        chain = self.views[view].blocks
        kinds = [self.blocks[name].gives for name in chain]
        return chain[: kinds.index("vector") + 1]

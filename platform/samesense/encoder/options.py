"""The encoder as data: named blocks, and views that chain them from an item to a unit vector."""

from typing import Annotated, Literal

from pydantic import Field

from samesense.core.options import Options
from samesense.encoder.align.options import (
    DomainWhitenOptions,
    GatedOptions,
    IdentityOptions,
    LinearOptions,
    MlpOptions,
    ResidualOptions,
    ReverseOptions,
)
from samesense.encoder.learned.options import (
    PrototypesOptions,
    TemperatureOptions,
    VariancesOptions,
)
from samesense.encoder.pools.options import LastTokenOptions
from samesense.encoder.towers.options import ClipTowerOptions, MllmTowerOptions

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
    | DomainWhitenOptions
    | ReverseOptions
    | TemperatureOptions
    | PrototypesOptions
    | VariancesOptions,
    Field(discriminator="kind"),
]
Modality = Literal["image", "text"]
"""What can be embedded."""
ViewInput = Literal["image", "text", "concept"]
"""What a view reads: a part of every item, or the names of all concepts of the training data."""


class ViewOptions(Options):
    """A chain of blocks from one part of an item, or from a concept's name, to a unit vector."""

    input: ViewInput
    """What enters the first block: each item's image or text, or, once and for all items, every
    concept's name in the order of the labels."""
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

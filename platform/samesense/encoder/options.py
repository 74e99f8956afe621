"""The encoder as data: named blocks, and views that chain them from an item to a unit vector."""

from typing import Annotated, Literal

from pydantic import Field

from samesense.core.options import Options
from samesense.encoder.align.options import (
    DomainWhitenOptions,
    ExpertsOptions,
    GatedOptions,
    IdentityOptions,
    LinearOptions,
    MlpOptions,
    QueryOptions,
    ResidualOptions,
    ReverseOptions,
)
from samesense.encoder.learned.options import (
    PrototypesOptions,
    TemperatureOptions,
    VariancesOptions,
)
from samesense.encoder.pools.options import LastLayerOptions, LastTokenOptions, LastTokensOptions
from samesense.encoder.towers.options import ClipTowerOptions, LoraOptions, MllmTowerOptions

Device = Literal["auto", "cpu", "gpu"]
"""What a process computes on: ``auto`` is a GPU of its own where there are enough, else the CPU."""

TowerOptions = MllmTowerOptions | ClipTowerOptions
Block = Annotated[
    MllmTowerOptions
    | ClipTowerOptions
    | LastTokenOptions
    | LastTokensOptions
    | LastLayerOptions
    | IdentityOptions
    | LinearOptions
    | MlpOptions
    | ResidualOptions
    | GatedOptions
    | QueryOptions
    | ExpertsOptions
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
    adapter: bool = True
    """Whether the tower's LoRA adapter takes part; ``false`` reads the backbone as it came, also
    where the adapter learns: a teacher that stands still, read from the cache."""


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
        """Return the view's leading blocks up to the first that gives one row an item.

        What they give is the *tower vector*: all that a frozen tower has to say about an item.
        """
        chain = self.views[view].blocks
        rows = [self.blocks[name].gives in ("states", "vector") for name in chain]
        return chain[: rows.index(True) + 1]

    def adapted_towers(self) -> dict[str, LoraOptions]:
        """Return the adapters of the towers that have one, by tower."""
        towers = self.towers().items()
        return {n: t.lora for n, t in towers if isinstance(t, MllmTowerOptions) and t.lora}

    def reads_adapter(self, view: str) -> bool:
        """Tell whether the view's tower has an adapter that takes part in it."""
        options = self.views[view]
        return options.adapter and options.blocks[0] in self.adapted_towers()

    def layers_read(self, tower: str) -> tuple[int, ...]:
        """Return the layers of a tower that pools ask for, counted from the last, −1."""
        pools = (self.blocks[b] for v in self.views.values() if tower in v.blocks for b in v.blocks)
        asked = {n for pool in pools if isinstance(pool, LastTokensOptions) for n in pool.layers}
        return tuple(sorted(asked))

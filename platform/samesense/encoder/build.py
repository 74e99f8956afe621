"""From options to modules: one arm a block.

Towers are imported where one is built: what transformers brings in costs seconds, which those who
have the towers' vectors at hand need not wait for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from samesense.core.errors import ConfigError, Fault
from samesense.encoder.align.domain_whiten import DomainWhiten
from samesense.encoder.align.experts import Experts
from samesense.encoder.align.gated import Gated
from samesense.encoder.align.identity import Identity
from samesense.encoder.align.linear import Linear
from samesense.encoder.align.mlp import Mlp
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
from samesense.encoder.align.query import Query
from samesense.encoder.align.residual import Residual
from samesense.encoder.align.reverse import Reverse
from samesense.encoder.encoder import Encoder
from samesense.encoder.learned.options import (
    LearnedOptions,
    PrototypesOptions,
    TemperatureOptions,
    VariancesOptions,
)
from samesense.encoder.learned.prototypes import Prototypes
from samesense.encoder.learned.temperature import Temperature
from samesense.encoder.learned.variances import Variances
from samesense.encoder.options import Block, EncoderOptions
from samesense.encoder.pools.last_layer import LastLayer
from samesense.encoder.pools.last_token import LastToken
from samesense.encoder.pools.last_tokens import LastTokens
from samesense.encoder.pools.options import LastLayerOptions, LastTokenOptions, LastTokensOptions
from samesense.encoder.towers.options import ClipTowerOptions, MllmTowerOptions

if TYPE_CHECKING:
    from samesense.encoder.towers.tower import Tower


def build_encoder(options: EncoderOptions) -> Encoder:
    """Build an encoder with all its towers.

    Raises:
        ModelError: if a tower does not load.
        ConfigError: if a block shared by two views would get two widths.
    """
    from samesense.encoder.towers.build import build_tower

    towers = {
        name: build_tower(tower, layers=options.layers_read(name))
        for name, tower in options.towers().items()
    }
    widths = {name: tower.width for name, tower in towers.items()}
    blocks, views = _assemble(options, towers, widths)
    return Encoder(options, blocks=blocks, tower_widths=widths, widths=views)


def build_aligner(
    options: EncoderOptions,
    *,
    tower_widths: Mapping[str, int],
    tower_fingerprints: Mapping[str, str] | None = None,
    backbone_fingerprints: Mapping[str, str] | None = None,
) -> Encoder:
    """Build an encoder without its towers, for when their vectors are at hand.

    Raises:
        ConfigError: if a block shared by two views would get two widths.
    """
    blocks, views = _assemble(options, {}, tower_widths)
    return Encoder(
        options,
        blocks=blocks,
        tower_widths=tower_widths,
        widths=views,
        tower_fingerprints=tower_fingerprints,
        backbone_fingerprints=backbone_fingerprints,
    )


def build_skeleton(options: EncoderOptions) -> Encoder:
    """Build an encoder whose parameters have names and shapes, but no values and no memory.

    Raises:
        ModelError: if a model's configuration or processor does not load.
        ConfigError: if a block shared by two views would get two widths.
    """
    from samesense.encoder.towers.build import build_tower_skeleton

    with torch.device("meta"):
        towers = {
            name: build_tower_skeleton(tower, layers=options.layers_read(name))
            for name, tower in options.towers().items()
        }
        widths = {name: tower.width for name, tower in towers.items()}
        blocks, views = _assemble(options, towers, widths)
        return Encoder(options, blocks=blocks, tower_widths=widths, widths=views)


@dataclass(frozen=True)
class _Row:
    """What one item is between two blocks: so many states, one behind the other, of a width."""

    width: int
    states: int = 1


def _assemble(
    options: EncoderOptions, towers: Mapping[str, "Tower"], tower_widths: Mapping[str, int]
) -> tuple[dict[str, nn.Module], dict[str, int]]:
    """Return all blocks, and the width of each view's vector."""
    blocks: dict[str, nn.Module] = dict(towers)
    given: dict[str, _Row] = {}
    widths = {}
    for view, chain in options.views.items():
        row = _Row(tower_widths[chain.blocks[0]])
        for name in chain.blocks[1:]:
            if given.setdefault(name, row) != row:
                message = f"block '{name}' is {_told(given[name])} wide, but is given {_told(row)}"
                raise ConfigError(Fault(("views", view, "blocks"), message))
            if name not in blocks:
                blocks[name] = _build_map(options.blocks[name], row)
            row = _after(options.blocks[name], row)
        widths[view] = row.width
    # Last, so that what is drawn for losses changes nothing of what is drawn for vectors.
    for name, block in options.blocks.items():
        if isinstance(block, LearnedOptions):
            blocks[name] = _build_learned(block, widths[next(iter(options.vector.values()))])
    return blocks, widths


def _build_learned(block: LearnedOptions, width: int) -> nn.Module:
    """Build a tensor for losses; without a count, prototypes have no rows yet."""
    match block:
        case TemperatureOptions():
            return Temperature(initial=block.initial, lowest=block.lowest)
        case PrototypesOptions():
            return Prototypes(count=block.count or 0, width=width)
        case VariancesOptions():
            return Variances(width=width, initial=block.initial)


def _told(row: _Row) -> str:
    return f"{row.width}" if row.states == 1 else f"{row.states} × {row.width}"


def _after(block: Block, given: _Row) -> _Row:
    """Return what a map makes of a row: all but the pool of several layers give one state."""
    states = len(block.layers) if isinstance(block, LastTokensOptions) else 1
    return _Row(given.width, states=states)


def _build_map(block: Block, given: _Row) -> nn.Module:
    """Build a block for what it is given."""
    width = given.width
    match block:
        case LastTokenOptions():
            return LastToken()
        case LastTokensOptions():
            return LastTokens(layers=block.layers)
        case LastLayerOptions():
            return LastLayer(width=width)
        case IdentityOptions():
            return Identity()
        case LinearOptions():
            return Linear(width=width)
        case MlpOptions():
            return Mlp(width=width, hidden=block.hidden)
        case ResidualOptions():
            return Residual(width=width, rank=block.rank, scale=block.scale, dropout=block.dropout)
        case GatedOptions():
            return Gated(width=width, rank=block.rank, dropout=block.dropout)
        case QueryOptions():
            sizes = block.model_dump(exclude={"kind"})
            return Query(width=width, states=given.states, **sizes)
        case ExpertsOptions():
            return Experts(width=width, **block.model_dump(exclude={"kind"}))
        case DomainWhitenOptions():
            return DomainWhiten(width=width, variant=block.variant, shrinkage=block.shrinkage)
        case ReverseOptions():
            return Reverse(strength=block.strength)
        case (
            MllmTowerOptions()
            | ClipTowerOptions()
            | TemperatureOptions()
            | PrototypesOptions()
            | VariancesOptions()
        ):
            raise ConfigError(f"a {block.kind} block cannot follow another block")

"""From options to modules: one arm a block."""

from collections.abc import Mapping

import torch
from torch import nn
from transformers import AutoModel, AutoModelForImageTextToText

from samesense.core.errors import ConfigError, Fault
from samesense.encoder.align.domain_whiten import DomainWhiten
from samesense.encoder.align.gated import Gated
from samesense.encoder.align.identity import Identity
from samesense.encoder.align.linear import Linear
from samesense.encoder.align.mlp import Mlp
from samesense.encoder.align.options import (
    DomainWhitenOptions,
    GatedOptions,
    IdentityOptions,
    LinearOptions,
    MlpOptions,
    ResidualOptions,
    ReverseOptions,
)
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
from samesense.encoder.options import Block, EncoderOptions, TowerOptions
from samesense.encoder.pools.last_token import LastToken
from samesense.encoder.pools.options import LastTokenOptions
from samesense.encoder.render.clip import ClipRenderer
from samesense.encoder.render.loading import load_config
from samesense.encoder.render.mllm import MllmRenderer
from samesense.encoder.towers.clip import ClipTower
from samesense.encoder.towers.mllm import MllmTower
from samesense.encoder.towers.options import ClipTowerOptions, MllmTowerOptions
from samesense.encoder.towers.tower import Renderer, Tower


def build_renderer(options: TowerOptions) -> Renderer:
    """Return what prepares images and texts for a tower, without the tower's weights.

    Raises:
        ModelError: if the model's processor does not load.
    """
    match options:
        case MllmTowerOptions():
            return MllmRenderer.load(options)
        case ClipTowerOptions():
            return ClipRenderer.load(options)


def build_tower(options: TowerOptions) -> Tower:
    """Load a tower.

    Raises:
        ModelError: if it does not load.
    """
    match options:
        case MllmTowerOptions():
            return MllmTower.load(options)
        case ClipTowerOptions():
            return ClipTower.load(options)


def build_encoder(options: EncoderOptions) -> Encoder:
    """Build an encoder with all its towers.

    Raises:
        ModelError: if a tower does not load.
        ConfigError: if a block shared by two views would get two widths.
    """
    towers = {name: build_tower(tower) for name, tower in options.towers().items()}
    return _assemble(options, towers, {name: tower.width for name, tower in towers.items()}, {})


def build_aligner(
    options: EncoderOptions,
    *,
    tower_widths: Mapping[str, int],
    tower_fingerprints: Mapping[str, str] | None = None,
) -> Encoder:
    """Build an encoder without its towers, for when their vectors are at hand.

    Raises:
        ConfigError: if a block shared by two views would get two widths.
    """
    return _assemble(options, {}, tower_widths, tower_fingerprints or {})


def build_skeleton(options: EncoderOptions) -> Encoder:
    """Build an encoder whose parameters have names and shapes, but no values and no memory.

    Raises:
        ModelError: if a model's configuration or processor does not load.
        ConfigError: if a block shared by two views would get two widths.
    """
    with torch.device("meta"):
        towers = {name: _tower_skeleton(tower) for name, tower in options.towers().items()}
        widths = {name: tower.width for name, tower in towers.items()}
        return _assemble(options, towers, widths, {})


def _tower_skeleton(options: TowerOptions) -> Tower:
    config = load_config(options.model, revision=options.revision)
    match options:
        case MllmTowerOptions():
            renderer = MllmRenderer.load(options)
            model = AutoModelForImageTextToText.from_config(config)
            return MllmTower(model, renderer=renderer, source=options.model)
        case ClipTowerOptions():
            dual = AutoModel.from_config(config)
            return ClipTower(dual, renderer=ClipRenderer.load(options), source=options.model)


def _assemble(
    options: EncoderOptions,
    towers: Mapping[str, Tower],
    tower_widths: Mapping[str, int],
    tower_fingerprints: Mapping[str, str],
) -> Encoder:
    blocks: dict[str, nn.Module] = dict(towers)
    widths = dict(tower_widths)
    for view, chain in options.views.items():
        width = widths[chain.blocks[0]]
        for name in chain.blocks[1:]:
            if widths.setdefault(name, width) != width:
                message = f"block '{name}' is {widths[name]} wide, but is given {width}"
                raise ConfigError(Fault(("views", view, "blocks"), message))
            if name not in blocks:
                blocks[name] = _build_map(options.blocks[name], width)
    # Last, so that what is drawn for losses changes nothing of what is drawn for vectors.
    for name, block in options.blocks.items():
        if isinstance(block, LearnedOptions):
            blocks[name] = _build_learned(block, _vector_width(options, widths))
    return Encoder(
        options, blocks=blocks, tower_widths=tower_widths, tower_fingerprints=tower_fingerprints
    )


def _vector_width(options: EncoderOptions, widths: Mapping[str, int]) -> int:
    view = next(iter(options.vector.values()))
    return widths[options.views[view].blocks[-1]]


def _build_learned(block: LearnedOptions, width: int) -> nn.Module:
    """Build a tensor for losses; without a count, prototypes have no rows yet."""
    match block:
        case TemperatureOptions():
            return Temperature(initial=block.initial, lowest=block.lowest)
        case PrototypesOptions():
            return Prototypes(count=block.count or 0, width=width)
        case VariancesOptions():
            return Variances(width=width, initial=block.initial)


def _build_map(block: Block, width: int) -> nn.Module:
    """Build a block that keeps the width of what it is given."""
    match block:
        case LastTokenOptions():
            return LastToken()
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

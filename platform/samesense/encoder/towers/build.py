"""From options to towers, and to what renders for them."""

from collections.abc import Sequence

from transformers import AutoModel, AutoModelForImageTextToText

from samesense.encoder.options import TowerOptions
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


def build_tower(options: TowerOptions, *, layers: Sequence[int] = ()) -> Tower:
    """Load a tower; ``layers`` are those whose states it gives beside the last one's.

    Raises:
        ModelError: if it does not load.
    """
    match options:
        case MllmTowerOptions():
            return MllmTower.load(options, layers=layers)
        case ClipTowerOptions():
            return ClipTower.load(options)


def build_tower_skeleton(options: TowerOptions, *, layers: Sequence[int] = ()) -> Tower:
    """Return a tower with random weights, or none under torch's ``meta`` device.

    Raises:
        ModelError: if the model's configuration or processor does not load.
    """
    config = load_config(options.model, revision=options.revision)
    match options:
        case MllmTowerOptions():
            renderer = MllmRenderer.load(options)
            model = AutoModelForImageTextToText.from_config(config)
            return MllmTower(
                model,
                renderer=renderer,
                source=options.model,
                adapter=options.lora,
                layers=layers,
            )
        case ClipTowerOptions():
            dual = AutoModel.from_config(config)
            return ClipTower(dual, renderer=ClipRenderer.load(options), source=options.model)

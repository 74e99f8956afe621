"""Every kind of tower, and of renderer."""

from samesense.encoder.render.clip import ClipRenderer
from samesense.encoder.render.mllm import MllmRenderer
from samesense.encoder.towers.clip import ClipTower
from samesense.encoder.towers.mllm import MllmTower

Tower = MllmTower | ClipTower
Renderer = MllmRenderer | ClipRenderer

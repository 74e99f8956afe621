"""Painterly: a muted underpainting covered with short brush dabs on canvas."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from samesense.corpus.rendered.raster import as_image, colour, fill, smooth_noise
from samesense.corpus.rendered.scene import Scene

DABS = 1100


def draw(scene: Scene, *, rng: np.random.Generator) -> Image.Image:
    """Draw a scene with a loaded brush."""
    under = _underpainting(scene, rng)
    painted = _cover_with_dabs(under, scene.side_px, rng)
    rows, columns = np.indices((scene.side_px, scene.side_px))
    weave = 1 + 0.06 * np.sin(rows * 1.6) + 0.06 * np.sin(columns * 1.6)
    return as_image(np.asarray(painted, dtype=np.float64) * weave[..., None])


def _underpainting(scene: Scene, rng: np.random.Generator) -> Image.Image:
    side = scene.side_px
    ground, sky = (colour(rng, saturation=(0.15, 0.45), value=(0.25, 0.5)) for _ in range(2))
    mix = smooth_noise(rng, side_px=side, cells=4)[..., None]
    image = as_image(ground * mix + sky * (1 - mix))
    pen = ImageDraw.Draw(image)
    roles = {
        role: fill(colour(rng, saturation=(0.3, 0.65), value=value))
        for role, value in (("body", (0.65, 0.95)), ("accent", (0.55, 0.9)), ("detail", (0.1, 0.3)))
    }
    for part in scene.parts:
        paint = roles.get(part.role) or fill(colour(rng, saturation=(0.2, 0.5), value=(0.3, 0.8)))
        if part.is_stroke:
            pen.line(part.path, fill=paint, width=side // 16, joint="curve")
        else:
            pen.polygon(part.path, fill=paint)
    return image


def _cover_with_dabs(under: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    pixels: NDArray[np.uint8] = np.asarray(under)
    flow = 2 * np.pi * smooth_noise(rng, side_px=side, cells=3)
    places = rng.uniform(0, side, (DABS, 2))
    tints = rng.normal(0, 9, (DABS, 3)) + rng.normal(0, 12, (DABS, 1))
    lengths = rng.uniform(side / 64, side / 26, DABS)
    image = under.copy()
    pen = ImageDraw.Draw(image)
    for (x, y), tint, length in zip(places, tints, lengths, strict=True):
        row, column = int(y), int(x)
        paint = fill((pixels[row, column] + tint).clip(0, 255))
        dx, dy = length * np.cos(flow[row, column]), length * np.sin(flow[row, column])
        pen.line([(x - dx, y - dy), (x + dx, y + dy)], fill=paint, width=max(2, side // 42))
    return image

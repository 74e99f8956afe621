"""Photo-like: lit volumes with a soft shadow on a cloudy ground, lens blur and sensor noise."""

import numpy as np
from PIL import Image

from samesense.corpus.rendered.raster import as_image, blurred, colour, mask, smooth_noise
from samesense.corpus.rendered.scene import Scene


def draw(scene: Scene, *, rng: np.random.Generator) -> Image.Image:
    """Draw a scene with light from the upper left."""
    side = scene.side_px
    ramp = np.linspace(0.65, 1.1, side)[:, None, None]
    clouds = 0.55 + 0.6 * smooth_noise(rng, side_px=side, cells=6)[..., None]
    pixels = colour(rng, saturation=(0.05, 0.35), value=(0.45, 0.8)) * ramp * clouds
    roles = {
        role: colour(rng, saturation=(0.3, 0.8), value=value)
        for role, value in (("body", (0.5, 0.95)), ("accent", (0.4, 0.9)), ("detail", (0.1, 0.35)))
    }
    for part in scene.parts:
        shape = mask(part, side_px=side)
        soft = blurred(shape, radius_px=side / 14)
        shadow = np.roll(soft, (side // 16, side // 20), axis=(0, 1))[..., None]
        pixels = pixels * (1 - 0.35 * shadow)
        tint = roles.get(part.role)
        if tint is None:
            tint = colour(rng, saturation=(0.2, 0.6), value=(0.3, 0.8))
        light = np.roll(soft, (side // 12, side // 12), axis=(0, 1)) - soft
        shaded = tint * (0.55 + 0.5 * soft - 0.9 * light)[..., None]
        cover = blurred(shape, radius_px=0.6)[..., None]
        pixels = pixels * (1 - cover) + shaded * cover
    noise = rng.normal(0, 6, (side, side, 1)) + rng.normal(0, 4, (side, side, 3))
    return as_image(pixels + noise)

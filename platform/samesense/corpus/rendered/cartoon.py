"""Flat cartoon: saturated areas with bold outlines on a plain ground of two colours."""

import numpy as np
from PIL import Image, ImageDraw

from samesense.corpus.rendered.raster import colour, fill
from samesense.corpus.rendered.scene import Scene

OUTLINE = (20, 16, 24)


def draw(scene: Scene, *, rng: np.random.Generator) -> Image.Image:
    """Draw a scene as a comic would."""
    side = scene.side_px
    image = Image.new(
        "RGB", (side, side), fill(colour(rng, saturation=(0.2, 0.5), value=(0.85, 1)))
    )
    pen = ImageDraw.Draw(image)
    horizon = float(rng.uniform(0.55, 0.9) * side)
    pen.rectangle(
        (0, horizon, side, side), fill=fill(colour(rng, saturation=(0.3, 0.6), value=(0.7, 0.95)))
    )
    roles = {
        role: fill(colour(rng, saturation=(0.75, 1.0), value=(0.75, 1.0)))
        for role in ("body", "accent", "detail")
    }
    bold = max(2, side // 36)
    for part in scene.parts:
        paint = roles.get(part.role) or fill(colour(rng, saturation=(0.6, 1), value=(0.7, 1)))
        if part.is_stroke:
            pen.line(part.path, fill=OUTLINE, width=3 * bold, joint="curve")
            pen.line(part.path, fill=paint, width=bold, joint="curve")
        else:
            pen.polygon(part.path, fill=paint)
            pen.line(
                [*part.path, part.path[0], part.path[1]], fill=OUTLINE, width=bold, joint="curve"
            )
    return image

"""Line sketch: shaky pencil strokes and hatching on paper, no fill."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from samesense.corpus.rendered.raster import as_image, mask, smooth_noise
from samesense.corpus.rendered.scene import Placed, Scene

SHAKE_SHARE = 1 / 130


def draw(scene: Scene, *, rng: np.random.Generator) -> Image.Image:
    """Draw a scene with a pencil."""
    side = scene.side_px
    paper = rng.uniform(228, 248) + 10 * smooth_noise(rng, side_px=side, cells=20)
    lines = Image.new("L", (side, side))
    for part in scene.parts:
        if not part.is_stroke:
            # What is nearer hides the lines behind it.
            lines.paste(0, mask=mask(part, side_px=side))
            if part.role != "clutter":
                _hatch(lines, part, side, rng)
        for _ in range(2):
            _outline(lines, part, side, rng)
    grain = rng.uniform(0.65, 1.0, (side, side))
    ink = np.asarray(lines, dtype=np.float64) / 255 * grain
    grey = paper * (1 - ink) + rng.uniform(25, 70) * ink
    return as_image(np.repeat(grey[..., None], 3, axis=2))


def _outline(lines: Image.Image, part: Placed, side: int, rng: np.random.Generator) -> None:
    points = part.points_P2 if part.is_stroke else np.vstack([part.points_P2, part.points_P2[:1]])
    shaken = points + rng.normal(0, side * SHAKE_SHARE, points.shape)
    path = [(float(x), float(y)) for x, y in shaken]
    ImageDraw.Draw(lines).line(path, fill=int(rng.integers(150, 255)), width=max(1, side // 64))


def _hatch(lines: Image.Image, part: Placed, side: int, rng: np.random.Generator) -> None:
    hatching = Image.new("L", (side, side))
    draw_line = ImageDraw.Draw(hatching)
    lean, gap = rng.uniform(0.4, 1.2) * side, max(4, side // 22)
    starts = np.arange(-2 * side, 2 * side, gap) + rng.uniform(0, gap)
    for x in starts:
        draw_line.line([(float(x), 0.0), (float(x + lean), float(side))], fill=140, width=1)
    inside = ImageChops.multiply(hatching, mask(part, side_px=side))
    lines.paste(ImageChops.lighter(lines, inside))

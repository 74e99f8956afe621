"""What the ways of drawing share: masks, colours and noise. Shapes: H × W pixels."""

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from samesense.corpus.rendered.scene import Placed

Pixels = NDArray[np.float64]
STROKE_SHARE = 1 / 18


def mask(part: Placed, *, side_px: int) -> Image.Image:
    """Return where a part is, as an 8-bit image."""
    canvas = Image.new("L", (side_px, side_px))
    draw = ImageDraw.Draw(canvas)
    if part.is_stroke:
        draw.line(part.path, fill=255, width=round(side_px * STROKE_SHARE), joint="curve")
    else:
        draw.polygon(part.path, fill=255)
    return canvas


def blurred(image: Image.Image, *, radius_px: float) -> Pixels:
    """Return an 8-bit image blurred, as values from 0 to 1."""
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius_px)), dtype=np.float64) / 255


def smooth_noise(rng: np.random.Generator, *, side_px: int, cells: int) -> Pixels:
    """Return a cloudy field (H, W) of values from 0 to 1."""
    small = Image.fromarray(rng.integers(0, 256, (cells, cells), dtype=np.uint8))
    big = small.resize((side_px, side_px), Image.Resampling.BICUBIC)
    return np.asarray(big, dtype=np.float64) / 255


def colour(
    rng: np.random.Generator, *, saturation: tuple[float, float], value: tuple[float, float]
) -> NDArray[np.float64]:
    """Return a colour of any hue as three numbers from 0 to 255."""
    red, green, blue = colorsys.hsv_to_rgb(
        rng.random(), rng.uniform(*saturation), rng.uniform(*value)
    )
    return np.array([red, green, blue]) * 255


def as_image(pixels_HW3: Pixels) -> Image.Image:
    """Return pixel values, clipped to what a picture can hold, as RGB."""
    return Image.fromarray(pixels_HW3.clip(0, 255).astype(np.uint8), mode="RGB")


def fill(colour_3: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return a colour as a drawing library takes it."""
    red, green, blue = (int(v) for v in colour_3)
    return red, green, blue

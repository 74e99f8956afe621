"""Bounds on the shape of a picture, and so on how many image tokens it may cost."""

import math
from typing import Any

from PIL import Image

MOST_ELONGATED = 100


def fit(image: Image.Image, *, longest_side_px: int | None) -> Image.Image:
    """Return the image with its longest side at most the bound; never enlarge.

    The aspect ratio is kept up to 100 : 1; beyond it the short side is stretched, because some
    families refuse such strips.
    """
    longest_px = min(max(image.size), longest_side_px or max(image.size))
    scale = longest_px / max(image.size)
    shortest_px = math.ceil(longest_px / MOST_ELONGATED)
    width_px, height_px = (max(shortest_px, round(side * scale)) for side in image.size)
    if (width_px, height_px) == image.size:
        return image
    return image.resize((width_px, height_px), Image.Resampling.LANCZOS)


def bound_tiles(image_processor: Any, *, longest_side_px: int | None) -> None:
    """Keep an image processor of the Idefics3 kind from enlarging beyond the bound.

    It scales every image to a fixed longest edge and cuts that into tiles, however small the image
    was. Other families hardly enlarge, so that fitting the image is enough for them.
    """
    if longest_side_px is None or not hasattr(image_processor, "do_image_splitting"):
        return
    tile_side_px = image_processor.max_image_size["longest_edge"]
    image_processor.size = {"longest_edge": longest_side_px}
    image_processor.do_image_splitting = (
        image_processor.do_image_splitting and longest_side_px > tile_side_px
    )

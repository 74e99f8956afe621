"""Small pictures inside the page."""

import base64
import functools
import io

from PIL import Image

from samesense.core.storage import read_bytes
from samesense.corpus.decode import DecodeLimits, Rejected, decode

SIDE_PX = 72
GREY = (170, 170, 170)


def thumbnail(uri: str, *, side_px: int = SIDE_PX) -> Image.Image:
    """Return a square picture of what lies at a URI; a grey one if it is gone or unreadable."""
    try:
        picture = decode(read_bytes(uri), limits=DecodeLimits())
    except OSError:
        return Image.new("RGB", (side_px, side_px), GREY)
    if isinstance(picture, Rejected):
        return Image.new("RGB", (side_px, side_px), GREY)
    return square(picture, side_px=side_px)


def square(picture: Image.Image, *, side_px: int) -> Image.Image:
    """Return the picture, whole, on a white square."""
    fitted = picture.copy()
    fitted.thumbnail((side_px, side_px))
    ground = Image.new("RGB", (side_px, side_px), "white")
    ground.paste(fitted, ((side_px - fitted.width) // 2, (side_px - fitted.height) // 2))
    return ground


@functools.lru_cache(maxsize=4096)
def thumbnail_uri(uri: str) -> str:
    """Return the thumbnail as a ``data:`` URI."""
    buffer = io.BytesIO()
    thumbnail(uri).save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

"""Small pictures for a sheet or a page; what cannot be shown becomes a grey tile with a word."""

import base64
import io

from PIL import Image, ImageDraw, ImageFont

from samesense.core.errors import SamesenseError
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.reading import read_bytes

SIDE_PX = 96
"""A third more than the page shows, for sharp tiles on dense screens and on paper."""
JPEG_QUALITY = 75
GREY, GREY_INK = "#c4c4c4", "#3c3c3c"


def thumbnail(uri: str, *, side_px: int = SIDE_PX) -> Image.Image:
    """Return a square picture of what lies at a URI, or a grey tile saying why there is none."""
    found = small_picture(uri, side_px=side_px)
    return grey_tile(found, side_px=side_px) if isinstance(found, Rejected) else found


def small_picture(uri: str, *, side_px: int) -> Image.Image | Rejected:
    """Return a square picture of what lies at a URI, or why there is none."""
    try:
        picture = decode(read_bytes(uri), limits=DecodeLimits())
    except (OSError, SamesenseError) as error:
        return Rejected("missing", str(error))
    return picture if isinstance(picture, Rejected) else square(picture, side_px=side_px)


def thumbnail_uri(uri: str) -> str:
    """Return the thumbnail of what lies at a URI as a ``data:`` URI."""
    buffer = io.BytesIO()
    thumbnail(uri).save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def square(picture: Image.Image, *, side_px: int) -> Image.Image:
    """Return the whole picture in the middle of a white square."""
    scale = side_px / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    fitted = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", (side_px, side_px), "white")
    ground.paste(fitted, ((side_px - width) // 2, (side_px - height) // 2))
    return ground


def grey_tile(why: Rejected, *, side_px: int) -> Image.Image:
    """Return a grey square with a word that says why there is no picture."""
    word = "missing" if why.reason == "missing" else "unreadable"
    tile = Image.new("RGB", (side_px, side_px), GREY)
    font = ImageFont.load_default(size=side_px / 7)
    middle = (side_px / 2, side_px / 2)
    ImageDraw.Draw(tile).text(middle, word, fill=GREY_INK, font=font, anchor="mm")
    return tile

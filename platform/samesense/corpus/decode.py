"""Bytes to a picture, or to the reason why not: bad data is a value, never an exception."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import Field

from samesense.core.options import Options

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What is opened; formats that run other programs or fetch other files are not among them."""
WHITE = (255, 255, 255)


class DecodeLimits(Options):
    """What one image file may cost."""

    max_bytes: int = Field(default=50_000_000, ge=1)
    """Size of the file."""
    max_pixels: int = Field(default=50_000_000, ge=1)
    """Width times height, read from the header before any pixel is decoded."""


@dataclass(frozen=True)
class Rejected:
    """Why bytes are not a picture."""

    reason: str
    """A stable code: empty, too_many_bytes, not_an_image, too_many_pixels, truncated, corrupt."""
    detail: str
    """The same in words."""


def decode(data: bytes, *, limits: DecodeLimits) -> Image.Image | Rejected:
    """Return an upright RGB picture, or why there is none.

    EXIF orientation is applied, transparency is laid on white, 16-bit greys are scaled to 8 bits,
    the first frame stands for an animation.
    """
    if not data:
        return Rejected("empty", "the file has no bytes")
    if len(data) > limits.max_bytes:
        return Rejected("too_many_bytes", f"more than the limit of {limits.max_bytes:,} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _open(data, limits)
    except UnidentifiedImageError:
        return Rejected("not_an_image", f"not one of {', '.join(FORMATS)}")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return Rejected("too_many_pixels", str(error))
    except Exception as error:  # whatever a decoder raises on bad data
        text = str(error) or type(error).__name__
        return Rejected("truncated" if "truncated" in text.lower() else "corrupt", text)


def _open(data: bytes, limits: DecodeLimits) -> Image.Image | Rejected:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > limits.max_pixels:
            return Rejected(
                "too_many_pixels", f"{width} × {height}, the limit is {limits.max_pixels:,} pixels"
            )
        image.load()
        return _to_rgb(ImageOps.exif_transpose(image))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep_grey(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (*WHITE, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Scale greys of more than 8 bits; Pillow's own conversion would clip them at 255."""
    values = np.asarray(image, dtype=np.float64)
    highest = 65_535.0 if values.max(initial=0.0) > 255 else 255.0
    grey = np.clip(values / highest * 255.0, 0, 255).round().astype(np.uint8)
    return Image.fromarray(grey, mode="L").convert("RGB")

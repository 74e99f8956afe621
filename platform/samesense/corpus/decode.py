"""Bytes to a picture, or to the reason why not: bad data is a value, never an exception.

Shapes: H × W pixels.
"""

import io
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from pydantic import Field

from samesense.core.options import Options

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What is opened; formats that run other programs or fetch other files are not among them."""
CONVERTIBLE = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})
LAYERED = frozenset({"LA", "PA", "RGBA", "RGBa"})
WHITE = (255, 255, 255)
WHITE_16_BIT = 65_535
TIFF_PHOTOMETRIC, TIFF_WHITE_IS_ZERO = 262, 0
AS_STORED = 1
UPRIGHT = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
"""EXIF orientation → what turns the stored pixels upright."""
MOST_PIXELS = 178_956_970
"""Pillow refuses to open anything larger."""


class DecodeLimits(Options):
    """What one image file may cost."""

    max_bytes: int = Field(default=50_000_000, ge=1)
    """Size of the file."""
    max_pixels: int = Field(default=50_000_000, ge=1, le=MOST_PIXELS)
    """Width times height, read from the header before any pixel is decoded."""
    max_side_px: int = Field(default=32_768, ge=1)
    """The longer side, from the header too: a strip of few pixels can be costly to resize."""


@dataclass(frozen=True)
class Rejected:
    """Why a row has no picture."""

    reason: str
    """A stable code. Of bytes: empty, too_many_bytes, not_an_image, too_many_pixels, too_long_side,
    truncated, corrupt, unsupported_mode. Of pictures: not_rendered. Of rows: missing, unreadable,
    wrong_depth, incomplete_row, bad_row, not_unicode, duplicate_id. Of files: bad_shard."""
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
        return _open(data, limits)
    except UnidentifiedImageError:
        return Rejected("not_an_image", f"has no header of {', '.join(FORMATS)}")
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
        if max(width, height) > limits.max_side_px:
            return Rejected(
                "too_long_side",
                f"{width} × {height}, the limit is {limits.max_side_px:,} pixels a side",
            )
        if width * height == 0:
            return Rejected("corrupt", f"{width} × {height} has no pixels")
        return upright_rgb(image)


def upright_rgb(image: Image.Image) -> Image.Image | Rejected:
    """Return an open image as it looks, as ``decode`` does, or why its pixels have no agreed look.

    The picture carries no metadata, so that what is done here is not done again by another reader.

    Raises:
        OSError: if the image's file is damaged.
    """
    image.load()
    picture = _to_rgb(image)
    if isinstance(picture, Rejected):
        return picture
    turn = UPRIGHT.get(_orientation(image))
    if turn is not None:
        picture = picture.transpose(turn)
    picture.info.clear()
    return picture


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, AS_STORED))
    except Exception:  # damaged metadata says nothing about the pixels, which were read
        return AS_STORED


def _to_rgb(image: Image.Image) -> Image.Image | Rejected:
    # Portable grey maps of more than 8 bits come in a 32-bit mode, already scaled to 16 bits.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return _from_16_bit_grey(image)
    if image.mode in LAYERED or (image.mode in CONVERTIBLE and "transparency" in image.info):
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (*WHITE, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    if image.mode in CONVERTIBLE:
        return image.convert("RGB")
    return Rejected("unsupported_mode", f"pixels of mode {image.mode} have no agreed white")


def _from_16_bit_grey(image: Image.Image) -> Image.Image:
    """Scale by 257; Pillow's own conversion would clip at 255."""
    deep_HW = np.asarray(image).astype(np.uint32)
    if "transparency" in image.info:
        deep_HW[deep_HW == image.info["transparency"]] = WHITE_16_BIT
    tags = getattr(image, "tag_v2", {})
    if tags.get(TIFF_PHOTOMETRIC) == TIFF_WHITE_IS_ZERO:  # Pillow inverts 8 bits, but not 16
        deep_HW = WHITE_16_BIT - deep_HW
    grey_HW = ((deep_HW * 255 + WHITE_16_BIT // 2) // WHITE_16_BIT).astype(np.uint8)
    return Image.fromarray(grey_HW).convert("RGB")

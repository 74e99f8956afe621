"""What is to be embedded: texts, and images as bytes or as the address where they lie.

All request forms are read into these; so an image means the same whoever's client sends it.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from samesense.serving.errors import ApiError, bad_request, too_large
from samesense.serving.options import LimitOptions

DATA_URI = re.compile(r"data:(?P<type>[\w.+-]*/?[\w.+-]*)(;[\w=.+-]+)*?(?P<base64>;base64)?,")
WEB_SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Text:
    """Words."""

    words: str


@dataclass(frozen=True)
class Picture:
    """The bytes of an image file, not looked at yet."""

    data: bytes


@dataclass(frozen=True)
class Address:
    """Where an image lies in the web."""

    url: str


Item = Text | Picture | Address


def text_item(words: Any, *, limits: LimitOptions, param: str) -> Text:
    """Return a text.

    Raises:
        ApiError: if it is none, is empty, or is longer than the limit.
    """
    if not isinstance(words, str):
        raise bad_request(f"{param}: a text is expected, got {_kind(words)}", param=param)
    if not words.strip():
        raise bad_request(f"{param}: the text is empty", param=param)
    if len(words) > limits.text_characters:
        raise too_large(
            f"{param}: a text of {len(words):,} characters, the limit is "
            f"{limits.text_characters:,}",
            param=param,
        )
    return Text(words)


def image_item(source: Any, *, limits: LimitOptions, param: str) -> Picture | Address:
    """Return an image from its address, a data URI, or bare base64.

    Raises:
        ApiError: if it is none of these, or is over the limit.
    """
    if isinstance(source, dict) and set(source) <= {"url", "detail"}:
        source = source.get("url")
    if not isinstance(source, str) or not source:
        raise bad_request(
            f"{param}: an image is an address, a data URI or base64, got {_kind(source)}",
            param=param,
        )
    if _is_address(source):
        return Address(source)
    return _decode(source, limits=limits, param=param)


def text_or_image(value: Any, *, limits: LimitOptions, param: str) -> Item:
    """Return an item from a string (an address or a data URI is an image) or a mapping.

    A string with blanks in it is a text, whatever it begins with.

    A mapping is Jina's ``{"text"}`` or ``{"image"}``, or a content part of OpenAI
    (``{"type": "text" | "image_url" | "image_base64", ...}``).

    Raises:
        ApiError: if it is neither.
    """
    if isinstance(value, str):
        if _is_address(value) or value[:11].lower() == "data:image/":
            return image_item(value, limits=limits, param=param)
        return text_item(value, limits=limits, param=param)
    if not isinstance(value, dict):
        raise bad_request(
            f"{param}: a string or a mapping is expected, got {_kind(value)}", param=param
        )
    given = [name for name in ("text", "image", "image_url", "image_base64") if name in value]
    if len(given) != 1:
        raise bad_request(
            f"{param}: exactly one of text, image, image_url, image_base64 is expected, "
            f"got {', '.join(given) or 'none'}",
            param=param,
        )
    make = text_item if given[0] == "text" else image_item
    return make(value[given[0]], limits=limits, param=param)


def as_modality(value: Any, *, modality: str, limits: LimitOptions, param: str) -> Item:
    """Return a string as what the caller says that it is.

    Raises:
        ApiError: if it is not, or the modality is unknown.
    """
    match modality:
        case "text":
            return text_item(value, limits=limits, param=param)
        case "image":
            return image_item(value, limits=limits, param=param)
        case _:
            raise bad_request(
                f"modality: '{modality}' is not one of: text, image", param="modality"
            )


def _is_address(text: str) -> bool:
    return text.lower().startswith(WEB_SCHEMES) and len(text.split()) == 1


def _decode(source: str, *, limits: LimitOptions, param: str) -> Picture:
    encoded = source
    if source[:5].lower() == "data:":
        head = DATA_URI.match(source)
        if head is None or not head["base64"]:
            raise bad_request(f"{param}: a data URI must be of base64", param=param)
        encoded = source[head.end() :]
    if len(encoded) * 3 // 4 > limits.image.max_bytes + 2:
        raise too_large(
            f"{param}: an image of over {limits.image.max_bytes:,} bytes, which is the limit",
            param=param,
        )
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(
            415, "not_an_image", f"{param}: neither an address nor valid base64", param
        ) from None
    return Picture(data)


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "a string", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)

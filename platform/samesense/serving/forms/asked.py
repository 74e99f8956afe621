"""What every form of an embedding request comes down to."""

import base64
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from samesense.encoder.encoder import Vectors
from samesense.serving.errors import bad_request
from samesense.serving.items import Item

Encoding = Literal["float", "base64"]


@dataclass(frozen=True)
class Part:
    """An item, and its name in the request."""

    item: Item
    param: str


@dataclass(frozen=True)
class Asked:
    """One vector is asked for each input; of several parts it is their normalised mean."""

    model: str | None
    inputs: list[list[Part]]


@dataclass(frozen=True)
class Embedded:
    """Vectors (N, D) of the inputs, and the model that gave them."""

    model: str
    fingerprint: str
    z_ND: Vectors
    tokens: int


def refuse_dimensions(dimensions: int | None, *, param: str) -> None:
    """Refuse vectors that are cut short: no model here is trained for it.

    Raises:
        ApiError: if a number is given.
    """
    if dimensions is not None:
        raise bad_request(f"{param}: this model's vectors cannot be cut; leave it out", param=param)


def refuse_dtype(dtype: str | None, *, param: str) -> None:
    """Refuse vectors of other numbers than floats, such as Voyage's ``int8`` and ``binary``.

    Raises:
        ApiError: if one is asked for.
    """
    if dtype not in (None, "float"):
        raise bad_request(f"{param}: '{dtype}' is not given; the only one is float", param=param)


def encode(z_D: Any, *, encoding: Encoding) -> list[float] | str:
    """Return a vector as numbers, or as base64 of little-endian float32."""
    if encoding == "base64":
        return base64.b64encode(np.ascontiguousarray(z_D, dtype="<f4").tobytes()).decode()
    numbers: list[float] = z_D.tolist()
    return numbers

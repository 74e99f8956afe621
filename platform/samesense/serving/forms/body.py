"""A request's body: JSON, or a form with uploaded files."""

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from samesense.core.errors import did_you_mean
from samesense.serving.errors import ApiError, bad_request, too_large
from samesense.serving.options import LimitOptions

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
FIELD = "request"
"""The part of a form that holds the rest of the request as JSON."""
Read = TypeVar("Read", bound="Form")


class Form(BaseModel):
    """Base of the request forms. What other services know and ours does not is passed over."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        strict=False,
        use_attribute_docstrings=True,
    )


class OwnForm(Form):
    """Base of our own request forms, and of what they hold: a name that is misspelt is refused."""

    model_config = ConfigDict(extra="forbid")


async def read_body(
    request: Request, *, limits: LimitOptions
) -> tuple[dict[str, Any], list[bytes]]:
    """Return the JSON of a request and the files uploaded with it.

    Raises:
        ApiError: 400 if it is neither JSON nor a form, 413 if a file or their number is over the
            limit.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind == "multipart/form-data":
        return await _read_parts(request, limits)
    return parse_json(await request.body()), []


def parse_json(data: bytes) -> dict[str, Any]:
    """Return the object that JSON holds.

    Raises:
        ApiError: if it is no JSON, no object, or holds what is no text.
    """
    try:
        found = json.loads(data, parse_constant=_refuse)
        if SURROGATE.search(data):
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise bad_request("the body is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise bad_request("the body must be a JSON object")
    return found


def read_form(kind: type[Read], values: dict[str, Any]) -> Read:
    """Return a request of this form.

    Raises:
        ApiError: 400, naming the first field at fault.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _fields(kind, first["loc"][:-1])
            hint = did_you_mean(str(first["loc"][-1]), known)
            hint = hint or f" Known here: {', '.join(known)}."
            raise bad_request(f"{at}: unknown field.{hint}", param=at) from None
        raise bad_request(f"{at}: {first['msg']}", param=at or None) from None


async def _read_parts(request: Request, limits: LimitOptions) -> tuple[dict[str, Any], list[bytes]]:
    try:
        form = await request.form(max_files=limits.items, max_fields=limits.items)
    except MultiPartException as error:
        raise bad_request(f"the form cannot be read: {error.message}") from None
    values: dict[str, Any] = {}
    files: list[bytes] = []
    for name, part in form.multi_items():
        if isinstance(part, UploadFile):
            files.append(await _read_file(part, limits))
        elif name == FIELD:
            values |= parse_json(part.encode())
        else:
            values[name] = part
    return values, files


async def _read_file(part: UploadFile, limits: LimitOptions) -> bytes:
    data = await part.read(limits.image.max_bytes + 1)
    if len(data) > limits.image.max_bytes:
        raise too_large(f"a file of over {limits.image.max_bytes:,} bytes, which is the limit")
    return data


def _fields(kind: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Return the names of the fields of what lies at a place in a form of our own."""
    inner: Any = kind
    for part in loc:
        inner = inner.model_fields[str(part)].annotation
    return sorted(inner.model_fields)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def check_number(count: int, *, limits: LimitOptions, param: str) -> None:
    """Check how many items a request has.

    Raises:
        ApiError: if there is none, or more than the limit.
    """
    if count == 0:
        raise bad_request(f"{param}: nothing is given", param=param)
    if count > limits.items:
        raise ApiError(
            413, "too_large", f"{param}: {count} items, the limit is {limits.items}", param
        )
